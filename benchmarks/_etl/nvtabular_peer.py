"""The same workflow in NVTabular. Runs in an environment of its own: see benchmarks/README.md.

    python nvtabular_peer.py '{"files": [...], "out": "...", ...}'    # the task, as JSON

Prints JSON: seconds of fitting and of transforming from after the imports, and processor seconds.
"""

import json
import resource
import sys
import warnings
from pathlib import Path
from time import perf_counter

warnings.filterwarnings("ignore")

import nvtabular as nvt  # noqa: E402 - its imports warn
from dask.distributed import Client, LocalCluster  # noqa: E402
from merlin.core.utils import set_dask_client  # noqa: E402
from merlin.io import Dataset  # noqa: E402
from nvtabular import ops  # noqa: E402


def workflow(task: dict, scratch: Path) -> nvt.Workflow:
    """A folder for each op: two ops on one key overwrite each other's statistics in a shared one."""
    folders = [scratch / name for name in ("codes", "encoded", "joined")]
    for folder in folders:
        folder.mkdir(parents=True)
    codes = task["keys"] >> ops.Categorify(freq_threshold=task["min_count"], out_path=str(folders[0]))
    skewed = task["skewed"] >> ops.FillMissing(0) >> ops.Clip(min_value=0.0) >> ops.LogOp() >> ops.Normalize()
    plain = task["plain"] >> ops.FillMissing(0) >> ops.Normalize()
    encoded = task["encoded"] >> ops.TargetEncoding(
        ["label"], kfold=task["folds"], p_smooth=task["smoothing"], out_path=str(folders[1])
    )
    joined = [task["group"]] >> ops.JoinGroupby(
        cont_cols=task["values"], stats=["count", "sum", "mean"], out_path=str(folders[2])
    )
    return nvt.Workflow(codes + skewed + plain + encoded + joined + ["recent", "ts", "label"])


def workers(count: int) -> LocalCluster:
    """Dask's scheduler with this many processes; without, NVTabular works in the one process."""
    cluster = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
    set_dask_client(Client(cluster))
    return cluster


def processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    task = json.loads(sys.argv[1])
    before, start = processor_seconds(), perf_counter()
    cluster = workers(task["workers"]) if task["workers"] else None
    data = Dataset(task["files"], engine="parquet", part_size=task["part_size"], cpu=True)
    flow = workflow(task, Path(task["out"]) / "statistics")
    flow.fit(data)
    fitted = perf_counter()
    flow.transform(data).to_parquet(f"{task['out']}/rows", output_files=len(task["files"]))
    done = perf_counter()
    if cluster is not None:
        cluster.close()  # its processors' seconds count once it has ended
    print(
        json.dumps(
            {
                "fit": fitted - start,
                "transform": done - fitted,
                "cpu": processor_seconds() - before,
                "version": nvt.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
