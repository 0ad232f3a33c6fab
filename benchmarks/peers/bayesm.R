# Gibbs by rnmixGibbs: its own default prior, chains in forked processes.

source(commandArgs(trailingOnly = TRUE)[1])
need("bayesm")
suppressPackageStartupMessages(library(bayesm))

x <- take("x")
K <- take("n_components")
d <- ncol(x)
tune <- take("tune")
draws <- take("draws")
RNGkind("L'Ecuyer-CMRG")
set.seed(take("seed"))

one <- function(chain) {
  capture.output(
    fit <- rnmixGibbs(Data = list(y = x), Prior = list(ncomp = K), Mcmc = list(R = tune + draws, keep = 1, nprint = 0))
  )
  fit$nmix
}
seconds <- elapsed(chains <- in_forks(take("chains"), take("cores"), one))

kept <- tune + seq_len(draws)
weights <- vapply(chains, function(nmix) nmix$probdraw[kept, , drop = FALSE], matrix(0, draws, K))
means <- vapply(chains, function(nmix) {
  vapply(nmix$compdraw[kept], function(draw) vapply(draw, function(component) as.numeric(component$mu), numeric(d)),
         matrix(0, d, K))
}, array(0, c(d, K, draws)))
# rooti is upper triangular, and the covariance is the inverse of rooti rooti'.
covariances <- vapply(chains, function(nmix) {
  vapply(nmix$compdraw[kept], function(draw) vapply(draw, function(component) crossprod(backsolve(component$rooti, diag(d))),
                                                    matrix(0, d, d)), array(0, c(d, d, K)))
}, array(0, c(d, d, K, draws)))
give(seconds = seconds, weights = aperm(weights, c(3, 1, 2)), means = aperm(means, c(4, 3, 2, 1)),
     covariances = aperm(covariances, c(5, 4, 3, 1, 2)))
