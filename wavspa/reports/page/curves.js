// The curves of a cell: its seeds at the steps that all of them have reached.
function curvesOf(run, metric) {
  const group = (run.curves ?? []).find(({ metrics }) => metric in metrics);
  if (!group) return null;
  const points = new Map();
  group.steps.forEach((step, place) => {
    const value = group.metrics[metric][place];
    if (value !== null) points.set(step, { value, seconds: group.seconds[place] });
  });
  return points.size ? { run, points } : null;
}

// Interrupted runs are left out, since they would cut the others short, unless there are no others.
function drawnCurves(runs, metric) {
  const curves = runs.map((run) => curvesOf(run, metric)).filter(Boolean);
  const finished = curves.filter(({ run }) => run.state === "finished");
  return finished.length ? finished : curves;
}

function meanCurve(curves) {
  const steps = [...curves[0].points.keys()].filter((step) =>
    curves.every(({ points }) => points.has(step)),
  );
  const over = (name, fold) => steps.map((step) => fold(curves.map(({ points }) => points.get(step)[name])));
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    seeds: curves.length,
    steps,
    seconds: over("seconds", mean),
    mean: over("value", mean),
    low: over("value", (values) => Math.min(...values)),
    high: over("value", (values) => Math.max(...values)),
  };
}

function singleCurve({ run, points }) {
  const values = [...points.values()];
  return {
    seed: run.seed,
    steps: [...points.keys()],
    seconds: values.map(({ seconds }) => seconds),
    mean: values.map(({ value }) => value),
  };
}

function metricsOf(runs) {
  const names = new Set();
  for (const run of runs) {
    for (const { metrics } of run.curves ?? []) Object.keys(metrics).forEach((name) => names.add(name));
  }
  return [...names];
}
