"""The same towers and loss on TensorFlow Recommenders, run by an interpreter that has it.

    python tfrs_peer.py LOG.npz --batch 4096 --optimizer adam --steps 12 --threads 2

Embedding layers of Keras, tfrs.tasks.Retrieval with the in-batch softmax corrected by the items' shares, as
its documentation has it; rows are sliced by tf.data ahead of time. Prints JSON.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from statistics import median

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import tensorflow as tf
import tensorflow_recommenders as tfrs
import tf_keras as keras

from _train.data import DIM, HIDDEN, TEMPERATURE, Log, largest_mib


class Tower(keras.Model):
    def __init__(self, sizes):
        super().__init__()
        self.tables = [
            keras.layers.Embedding(
                size, DIM, embeddings_initializer=keras.initializers.RandomNormal(stddev=0.05)
            )
            for size in sizes
        ]
        self.mlp = keras.Sequential(
            [keras.layers.Dense(HIDDEN[0], activation="relu"), keras.layers.Dense(HIDDEN[1])]
        )

    def call(self, codes):
        features = [table(codes[:, column]) for column, table in enumerate(self.tables)]
        return tf.math.l2_normalize(self.mlp(tf.concat(features, 1)), axis=1)


class TwoTower(tfrs.models.Model):
    def __init__(self, sizes):
        super().__init__()
        self.user, self.item = Tower(sizes[0]), Tower(sizes[1])
        self.task = tfrs.tasks.Retrieval(temperature=TEMPERATURE)

    def compute_loss(self, inputs, training=False):  # noqa: ARG002
        users, items, shares = inputs
        return self.task(
            self.user(users),
            self.item(items),
            candidate_sampling_probability=shares,
            compute_metrics=False,
            compute_batch_metrics=False,
        )


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002
        self.ends.append(time.perf_counter())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--optimizer", choices=["adam", "adagrad"], required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    log = Log.load(options.log)
    warm = 3
    rows = log.batches(options.batch, options.steps + warm, seed=1).reshape(-1)
    columns = (log.user_table[log.users[rows]], log.item_table[log.items[rows]], log.shares[log.items[rows]])
    data = tf.data.Dataset.from_tensor_slices(columns).batch(options.batch).prefetch(2)
    model, clock = TwoTower(log.sizes()), Clock()
    kinds = {"adam": lambda: keras.optimizers.Adam(1e-3), "adagrad": lambda: keras.optimizers.Adagrad(0.05)}
    model.compile(optimizer=kinds[options.optimizer]())
    model.fit(data, epochs=1, verbose=0, callbacks=[clock])
    times = [
        after - before for before, after in zip(clock.ends[warm - 1 : -1], clock.ends[warm:], strict=True)
    ]
    answer = {"rows/s": options.batch / median(times), "MiB": largest_mib(), "version": f"{tfrs.__version__}"}
    print(json.dumps(answer | {"tensorflow": tf.__version__}))


if __name__ == "__main__":
    main()
