import math

import pytest
import torch

from shortlist.errors import ArgumentError
from shortlist.models.retrieval import TwoTower
from shortlist.schedules import Linear, value_at
from shortlist.train import FitOptions, Learnable, SampledSoftmax, fit
from shortlist.train._temperature import TemperatureCourse


def test_a_learned_temperature_stays_inside_its_bounds_and_comes_back():
    course = TemperatureCourse(Learnable(0.1, low=0.05, high=0.2))
    for start, bound in ((-9.0, 0.05), (9.0, 0.2)):
        with torch.no_grad():
            course.log_temperature.fill_(start)
        value = course(0.0)
        value.backward()
        assert value.item() == pytest.approx(bound)
        assert course.log_temperature.grad is not None
        assert course.log_temperature.grad.item() > 0
        assert course.log_temperature.item() == pytest.approx(math.log(bound))


def test_a_schedule_is_followed_over_the_run(schema, train):
    seen = []

    class Watched(Linear):
        def at(self, progress):
            seen.append(progress)
            return super().at(progress)

    report = fit(
        TwoTower(schema, dim=4),
        train,
        SampledSoftmax(temperature=Watched(0.4, 0.1)),
        options=FitOptions(epochs=2, batch_size=500),
    )
    assert sorted(set(seen[2:])) == pytest.approx([step / 6 for step in range(6)])
    assert [row.temperature for row in report.epochs] == pytest.approx([0.4 - 0.3 * 2 / 6, 0.4 - 0.3 * 5 / 6])


def test_the_report_tells_the_course_of_a_learned_temperature(schema, train, tmp_path):
    options = FitOptions(epochs=2, batch_size=100, log=tmp_path / "log.csv")
    report = fit(TwoTower(schema, dim=4), train, SampledSoftmax(temperature=Learnable(0.3)), options=options)
    found = [row.temperature for row in report.epochs]
    assert 0.02 < found[1] != found[0] != 0.3
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert header.endswith("temperature")
    assert [float(row.split(",")[-1]) for row in rows] == found


def test_a_linear_schedule():
    assert [Linear(0.4, 0.2, share=0.5).at(done) for done in (0.0, 0.25, 0.5, 1.0)] == pytest.approx(
        [0.4, 0.3, 0.2, 0.2]
    )
    assert value_at(Linear(0.0, 1.0, share=0.5, after=0.5), 0.75) == pytest.approx(0.5)
    assert value_at(3, 0.7) == 3.0


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: SampledSoftmax(temperature=Linear(0.1, 0.0)), r"SampledSoftmax\.temperature"),
        (lambda: Learnable(0.5, high=0.2), r"0 < low <= start <= high"),
        (lambda: Linear(0.0, 1.0, share=0.0), r"Linear\.share"),
        (lambda: Linear(0.0, 1.0, after=1.0), r"Linear\.after"),
    ],
)
def test_wrong_temperatures_are_named(make, match):
    with pytest.raises(ArgumentError, match=match):
        make()
