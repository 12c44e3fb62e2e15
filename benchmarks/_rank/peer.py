"""FuxiCTR and DeepCTR-Torch on rows of clicks, in a process and an environment of their own: prints JSON.

    PYTHON peer.py '{"rows": "clicks.npz", "table_rows": 100000, "dim": 16, ...}'

FuxiCTR's wheel has the layers of its models, not the models: they are put together here of its own layers,
on its own base class, as its documentation describes them, and take its ``train_step`` on batches that are
ready. DeepCTR-Torch has models and a ``fit``, which is what is timed.
"""

import json
import sys
import warnings
from collections import OrderedDict
from statistics import median
from tempfile import mkdtemp
from time import perf_counter, process_time

import numpy as np
import torch

warnings.simplefilter("ignore")


def feature_map(numbers, codes, lists=None):
    """Of numbers, codes -> rows of its table, and lists -> rows of its table and longest list."""
    from fuxictr.features import FeatureMap

    made = FeatureMap("clicks", mkdtemp())
    made.features = OrderedDict((name, {"source": "", "type": "numeric"}) for name in numbers)
    made.features.update(
        (name, {"source": "", "type": "categorical", "vocab_size": rows}) for name, rows in codes.items()
    )
    made.features.update(
        (
            name,
            {
                "source": "",
                "type": "sequence",
                "vocab_size": rows,
                "max_len": longest,
                "padding_idx": 0,
                "feature_encoder": "layers.MaskedAveragePooling()",
            },
        )
        for name, (rows, longest) in (lists or {}).items()
    )
    made.labels, made.num_fields = ["click"], len(made.features)
    made.total_features, made.input_length = made.num_fields, made.num_fields
    made.set_column_index()
    return made


def fuxi_model(name, fields, numbers, codes, asked):
    from fuxictr.pytorch import layers
    from fuxictr.pytorch.models import BaseModel

    dim, hidden = asked["dim"], list(asked["hidden"])
    given = {"verbose": 0, "model_root": mkdtemp(), "metrics": ["AUC"], "gpu": -1, **asked.get("options", {})}
    dropout = asked.get("dropout", 0.0)

    def mlp(width, units, out=1, share=dropout):
        return layers.MLP_Block(input_dim=width, hidden_units=units, output_dim=out, dropout_rates=share)

    class DLRM(BaseModel):
        def __init__(self):
            super().__init__(fields, **given)
            self.embedding = layers.FeatureEmbedding(fields, dim, required_feature_columns=codes)
            count, wide = (len(codes) + 1, dim) if numbers else (len(codes), 0)
            self.bottom = mlp(len(numbers), list(asked["bottom"]), dim, 0.0) if numbers else None
            self.dots = layers.InnerProductInteraction(count, output="inner_product")
            self.top = mlp(count * (count - 1) // 2 + wide, hidden)

        def forward(self, inputs):
            given = self.get_inputs(inputs)
            vectors = self.embedding({one: given[one] for one in codes})
            if self.bottom is None:
                return {"y_pred": self.output_activation(self.top(self.dots(vectors)))}
            dense = self.bottom(torch.stack([given[one].float() for one in numbers], 1))
            dots = self.dots(torch.cat([vectors, dense.unsqueeze(1)], 1))
            return {"y_pred": self.output_activation(self.top(torch.cat([dots, dense], 1)))}

    class DCNv2(BaseModel):
        def __init__(self):
            super().__init__(fields, **given)
            self.embedding = layers.FeatureEmbedding(fields, dim)
            width = (len(codes) + len(numbers)) * dim
            self.cross = layers.CrossNetV2(width, asked["crosses"])
            self.deep = mlp(width, hidden, None)
            self.head = torch.nn.Linear(width + hidden[-1], 1)

        def forward(self, inputs):
            flat = self.embedding(self.get_inputs(inputs), flatten_emb=True)
            return {
                "y_pred": self.output_activation(
                    self.head(torch.cat([self.cross(flat), self.deep(flat)], -1))
                )
            }

    class DeepFM(BaseModel):
        def __init__(self):
            super().__init__(fields, **given)
            self.embedding = layers.FeatureEmbedding(fields, dim)
            self.machine = layers.FactorizationMachine(fields)
            self.deep = mlp((len(codes) + len(numbers)) * dim, hidden)

        def forward(self, inputs):
            given = self.get_inputs(inputs)
            vectors = self.embedding(given)
            logit = self.machine(given, vectors) + self.deep(vectors.flatten(1))
            return {"y_pred": self.output_activation(logit)}

    made = {"DLRM": DLRM, "DCN-v2": DCNv2, "DeepFM": DeepFM}[name]()
    made.compile("adam", "binary_crossentropy", 1e-3)
    made.reset_parameters()
    made._max_gradient_norm = 10.0
    return made


def fuxi_steps(model, data, names, asked):
    """Medians of steps on batches that are ready."""
    chosen = torch.Generator().manual_seed(1)
    wall, cpu = [], []
    whole = {name: torch.from_numpy(data[name]) for name in names}
    model.train()
    for number in range(asked["steps"] + 2):
        rows = torch.randint(0, len(data["click"]), (asked["batch"],), generator=chosen)
        batch = {name: column[rows] for name, column in whole.items()}
        start = perf_counter(), process_time()
        model.train_step(batch)
        if number >= 2:
            wall.append(perf_counter() - start[0])
            cpu.append(process_time() - start[1])
    return {"rows/s": asked["batch"] / median(wall), "rows/cpu s": asked["batch"] / median(cpu)}


def deepctr_fit(name, data, numbers, codes, asked):
    """One epoch of its own loop over a part of the rows; None for a model that it does not have."""
    from deepctr_torch.inputs import DenseFeat, SparseFeat
    from deepctr_torch.models import DCN, DeepFM

    if name == "DLRM":
        return None
    count = asked["batch"] * asked["fit_steps"]
    dense = [DenseFeat(one, 1) for one in numbers]
    columns = [SparseFeat(one, asked["table_rows"], embedding_dim=asked["dim"]) for one in codes] + dense
    given = {"dnn_hidden_units": tuple(asked["hidden"]), "device": "cpu"}
    if name == "DeepFM":
        model = DeepFM(columns, columns, **given)
    else:
        model = DCN(columns, columns, cross_num=asked["crosses"], cross_parameterization="matrix", **given)
    model.compile("adam", "binary_crossentropy")
    inputs = {one: data[one][:count] for one in (*numbers, *codes)}
    start = perf_counter(), process_time()
    model.fit(inputs, data["click"][:count], batch_size=asked["batch"], epochs=1, verbose=0)
    return {"rows/s": count / (perf_counter() - start[0]), "rows/cpu s": count / (process_time() - start[1])}


def main():
    asked = json.loads(sys.argv[1])
    torch.set_num_threads(asked["threads"])
    data = dict(np.load(asked["rows"]))
    numbers = [name for name in data if name.startswith("n")]
    codes = [name for name in data if name.startswith("c") and name != "click"]
    fields = feature_map(numbers, dict.fromkeys(codes, asked["table_rows"]))
    found = {}
    model = fuxi_model(asked["name"], fields, numbers, codes, asked)
    found["FuxiCTR, train_step"] = fuxi_steps(model, data, [*numbers, *codes, "click"], asked)
    del model
    found["DeepCTR-Torch, fit"] = deepctr_fit(asked["name"], data, numbers, codes, asked)
    print("\n" + json.dumps({kind: one for kind, one in found.items() if one is not None}))


if __name__ == "__main__":
    main()
