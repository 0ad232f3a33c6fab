# EM with full covariances (VVV) from given parameters, for a number of iterations.

source(commandArgs(trailingOnly = TRUE)[1])
need("mclust")
suppressPackageStartupMessages(library(mclust))

x <- take("x")
sigma <- take("covariances") # (d, d, K)
parameters <- list(
  pro = take("weights"), mean = take("means"), # (d, K)
  variance = list(modelName = "VVV", d = ncol(x), G = dim(sigma)[3], sigma = sigma,
                  cholsigma = array(apply(sigma, 3, chol), dim(sigma)))
)
z <- estep(data = x, modelName = "VVV", parameters = parameters)$z
climb <- function(iterations) {
  me(data = x, modelName = "VVV", z = z, control = emControl(itmax = iterations, tol = 0), warn = FALSE)
}

invisible(climb(1))
seconds <- elapsed(fit <- climb(take("passes")))
give(seconds = seconds, passes = abs(attr(fit, "info")[["iterations"]]), log_likelihood = fit$loglik)
