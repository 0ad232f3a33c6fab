# Arrays in and out as doubles, first index fastest, beside a line with the shape. Chains in forked processes.

folder <- commandArgs(trailingOnly = TRUE)[2]

need <- function(package) {
  if (!requireNamespace(package, quietly = TRUE)) stop("R package ", package, " is not installed", call. = FALSE)
}

take <- function(name) {
  path <- file.path(folder, "in", name)
  shape <- scan(paste0(path, ".shape"), quiet = TRUE)
  values <- readBin(paste0(path, ".bin"), "double", prod(shape), endian = "little")
  if (length(shape) > 1) array(values, shape) else values
}

give <- function(...) {
  values <- list(...)
  for (name in names(values)) {
    value <- values[[name]]
    shape <- if (is.null(dim(value))) length(value) else dim(value)
    path <- file.path(folder, "out", name)
    writeLines(paste(shape, collapse = " "), paste0(path, ".shape"))
    writeBin(as.double(value), paste0(path, ".bin"), endian = "little")
  }
}

elapsed <- function(work) system.time(work)[["elapsed"]]

# One forked process a core. An error in a fork comes back as a value.
in_forks <- function(chains, cores, run) {
  found <- parallel::mclapply(seq_len(chains), run, mc.cores = cores, mc.preschedule = FALSE)
  for (chain in found) if (inherits(chain, "try-error")) stop(chain)
  found
}
