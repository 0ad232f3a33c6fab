# Gibbs by JAGS with the allocations sampled: normal means, Wishart precisions, chains in forked processes.

source(commandArgs(trailingOnly = TRUE)[1])
need("rjags")
suppressPackageStartupMessages(library(rjags))

x <- take("x")
K <- take("n_components")
d <- ncol(x)
seed <- take("seed")
draws <- take("draws")
model <- "model {
  for (i in 1:n) {
    z[i] ~ dcat(w)
    x[i, 1:d] ~ dmnorm(mu[z[i], 1:d], P[z[i], 1:d, 1:d])
  }
  w ~ ddirch(alpha)
  for (k in 1:K) {
    mu[k, 1:d] ~ dmnorm(m, B)
    P[k, 1:d, 1:d] ~ dwish(R, d + 2)
  }
}"
data <- list(x = x, n = nrow(x), d = d, K = K, alpha = rep(1, K), m = rep(0, d), B = diag(d), R = diag(d))

one <- function(chain) {
  start <- list(.RNG.name = "base::Mersenne-Twister", .RNG.seed = 1000 * seed + chain)
  sampler <- jags.model(textConnection(model), data, inits = start, n.chains = 1, n.adapt = take("tune"), quiet = TRUE)
  jags.samples(sampler, c("w", "mu", "P"), n.iter = draws, progress.bar = "none")
}
seconds <- elapsed(chains <- in_forks(take("chains"), take("cores"), one))

part <- function(name, shape) vapply(chains, function(chain) array(chain[[name]], c(shape, draws)), array(0, c(shape, draws)))
precisions <- part("P", c(K, d, d)) # (K, d, d, draw, chain)
covariances <- aperm(apply(precisions, c(1, 4, 5), function(P) chol2inv(chol(matrix(P, d)))), c(4, 3, 2, 1))
give(seconds = seconds, weights = aperm(part("w", K), c(3, 2, 1)), means = aperm(part("mu", c(K, d)), c(4, 3, 1, 2)),
     covariances = array(covariances, c(length(chains), draws, K, d, d)))
