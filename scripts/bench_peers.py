"""Rows of scripts/bench as other packages do them. Prints one number.

lime SECONDS     the lime package on one image with 1,000 samples / its calls of a classifier that takes SECONDS an image
gaussian FOLDER  seconds of scikit-learn's enet_path with a precomputed Gram matrix, one class after the other, for one
                 grid of 100 lambdas
"""

import contextlib
import io
import sys
import time

import numpy as np


def lime(seconds):
    from lime.lime_image import LimeImageExplainer

    spent = 0.0

    def classify(images):  # a stand-in that takes as long as the model measured in the same run
        nonlocal spent
        start = time.perf_counter()
        while time.perf_counter() - start < seconds * len(images):
            pass
        spent += time.perf_counter() - start
        return np.tile([0.3, 0.7], (len(images), 1))

    image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    start = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        LimeImageExplainer(random_state=0).explain_instance(image, classify, num_samples=1000, batch_size=64)
    return (time.perf_counter() - start) / spent


def gaussian(folder):
    from sklearn.linear_model import enet_path

    z = np.load(f"{folder}/z.npy").astype(np.float64)
    labels = np.load(f"{folder}/labels.npy")
    start = time.perf_counter()
    x = np.asfortranarray((z - z.mean(0)) / z.std(0))
    gram = x.T @ x
    y = (labels[:, None] == np.unique(labels)).astype(np.float64)
    y -= y.mean(0)
    cross = x.T @ y
    alphas = np.geomspace(1, 1e-3, 100) * np.abs(cross).max() / (len(x) * 0.99)
    for k in range(y.shape[1]):
        enet_path(x, y[:, k], l1_ratio=0.99, alphas=alphas, precompute=gram, Xy=cross[:, k])
    return time.perf_counter() - start


if __name__ == "__main__":
    print({"lime": lambda: lime(float(sys.argv[2])), "gaussian": lambda: gaussian(sys.argv[2])}[sys.argv[1]]())
