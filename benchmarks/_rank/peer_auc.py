"""FuxiCTR trained on encoded rows, in an environment of its own: prints JSON of its AUC on the test part.

    PYTHON peer_auc.py '{"folder": "rows", "name": "DeepFM", "seeds": [0, 1], "l2": [1e-05, 0.001], ...}'

The folder holds train.npz, valid.npz and test.npz. Its own ``fit`` does the training: Adam 1e-3, the step
size to a tenth when the validation AUC stands still, the end when it does twice, the best weights kept.
The L2 of embeddings is the one of those given whose first seed had the best validation AUC.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from peer import feature_map, fuxi_model

warnings.simplefilter("ignore")
np.Inf = np.inf  # noqa: NPY201 - FuxiCTR 2.3.7 asks for it


class Batches:
    """Batches of a part as a loader gives them, shuffled anew each time."""

    def __init__(self, columns, batch, *, shuffle):
        self.columns, self.batch, self.shuffle = columns, batch, shuffle
        self.rows = len(columns["click"])

    def __len__(self):
        return (self.rows + self.batch - 1) // self.batch

    def __iter__(self):
        order = torch.randperm(self.rows) if self.shuffle else torch.arange(self.rows)
        for rows in order.split(self.batch):
            yield {name: column[rows] for name, column in self.columns.items()}


def run(asked, parts, seed, l2):
    """AUC on the validation and on the test part."""
    torch.manual_seed(seed)
    codes = {**asked["codes"], **asked["lists"]}
    fields = feature_map(asked["numbers"], asked["codes"], asked["lists"])
    options = {"embedding_regularizer": l2, "early_stop_patience": 2}
    model = fuxi_model(asked["name"], fields, asked["numbers"], list(codes), {**asked, "options": options})
    Path(model.model_dir).mkdir(parents=True, exist_ok=True)
    train, valid, test = (Batches(parts[name], asked["batch"], shuffle=name == "train") for name in parts)
    model.fit(train, epochs=100, validation_data=valid)
    found = [float(model.evaluate(part, metrics=["AUC"])["AUC"]) for part in (valid, test)]
    print(f"{asked['name']}, seed {seed}, L2 {l2}: validation, test {found}", file=sys.stderr, flush=True)
    return found


def main():
    asked = json.loads(sys.argv[1])
    torch.set_num_threads(asked["threads"])
    parts = {
        part: {
            name: torch.from_numpy(column)
            for name, column in np.load(f"{asked['folder']}/{part}.npz").items()
        }
        for part in ("train", "valid", "test")
    }
    first, *others = asked["seeds"]
    tried = {l2: run(asked, parts, first, l2) for l2 in asked["l2"]}
    best = max(tried, key=lambda l2: tried[l2][0])
    found = [tried[best], *(run(asked, parts, seed, best) for seed in others)]
    print(
        "\n" + json.dumps({"l2": best, "valid": [one[0] for one in found], "test": [one[1] for one in found]})
    )


if __name__ == "__main__":
    main()
