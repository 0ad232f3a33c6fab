# R's mclust on faithful and iris: the 14 covariance models, K = 1..9, from its default start, at its default tolerance and at
# 1e-12. Run as `Rscript tests/mclust/grid.R > tests/mclust/grid.csv`.
suppressMessages(library(mclust))
data <- list(faithful = as.matrix(faithful), iris = as.matrix(iris[, 1:4]))
write(sprintf("# mclust %s, R %s", packageVersion("mclust"), getRversion()), stdout())
write("data,covariance,n_components,log_likelihood,bic,converged_log_likelihood,smallest_count,flattest", stdout())
for (name in names(data)) {
  X <- data[[name]]
  S <- cov(X)
  grid <- mclustBIC(X, G = 1:9, verbose = FALSE)
  start <- attr(grid, "initialization")$hcPairs
  for (model in mclust.options("emModelNames")) for (K in 1:9) {
    bic <- grid[K, model]
    if (is.na(bic)) {
      write(paste(name, model, K, "NA,NA,NA,NA,NA", sep = ","), stdout())
      next
    }
    fit <- Mclust(X, G = K, modelNames = model, verbose = FALSE)
    p <- nMclustParams(model, ncol(X), K)
    z <- if (K == 1) matrix(1, nrow(X), 1) else unmap(hclass(start, K))
    long <- suppressWarnings(me(X, model, z, control = emControl(tol = c(1e-12, 1e-12), itmax = c(100000, 1000))))
    # how flat and how small the components of its fit are, beside the covariance of all rows
    flat <- sapply(seq_len(K), function(k) min(eigen(solve(S, fit$parameters$variance$sigma[, , k]), only.values = TRUE)$values))
    write(sprintf("%s,%s,%d,%.6f,%.6f,%.6f,%.3f,%.3e", name, model, K, (bic + p * log(nrow(X))) / 2, bic,
                  if (is.null(long$loglik)) NA else long$loglik, min(fit$parameters$pro * nrow(X)), min(Re(flat))), stdout())
  }
}
