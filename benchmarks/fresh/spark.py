"""Spark MLlib's GaussianMixture on a Parquet file, two threads: PATH n_components n_iterations.

Prints the seconds of a fit of so many iterations, and of one of a single iteration, which tells what is beside them.
"""

import json
import sys
import time

from pyspark.ml.clustering import GaussianMixture
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import SparkSession

path, n_components, n_iterations = sys.argv[1], *map(int, sys.argv[2:])
session = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "12g")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .getOrCreate()
)
session.sparkContext.setLogLevel("OFF")
table = session.read.parquet(path)
rows = VectorAssembler(inputCols=table.columns, outputCol="features").transform(table).select("features").cache()
rows.count()  # in Spark's memory, which reading does not count for


def seconds(most: int) -> float:
    """Of a fit."""
    began = time.perf_counter()
    GaussianMixture(k=n_components, maxIter=most, tol=0.0, seed=1).fit(rows)
    return time.perf_counter() - began


seconds(1)  # compiled
print(json.dumps({"one": seconds(1), "all": seconds(n_iterations)}))
session.stop()
