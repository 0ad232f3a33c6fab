# All 14 covariance models with K = 1..9, as Mclust fits them with everything at its default.

source(commandArgs(trailingOnly = TRUE)[1])
need("mclust")
suppressPackageStartupMessages(library(mclust))

x <- take("x")
if (is.null(dim(x))) x <- matrix(x, ncol = 1)
seconds <- elapsed(bic <- mclustBIC(x, G = 1:9, verbose = FALSE))
give(seconds = seconds, bic = unclass(bic)[, mclust.options("emModelNames")])
