// Charts of the filtered cells, one for each data set. A cell's colour shows its wavelet and options, its
// dashes or marks show its attention.
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"];
const MARKS = ["circle", "square", "diamond", "triangle-up", "x"];
const COLOURS = 7;
// Above these numbers of lines, and of ranges, a chart is no longer legible.
const MOST_LABELS = 24;
const MOST_RANGES = 8;
const FINGER = matchMedia("(pointer: coarse)").matches;
const PRINTED = matchMedia("print");
const CONFIG = {
  displaylogo: false,
  displayModeBar: FINGER ? false : "hover",
  responsive: true,
  modeBarButtons: [["toImage", "resetScale2d"]],
};

class Looks {
  constructor(cells) {
    const colours = [...new Set(cells.map((cell) => `${cell.wavelet} ${cell.options}`))];
    const shapes = [...new Set(cells.map((cell) => cell.attention))];
    cells.forEach((cell) => {
      cell.colour = colours.indexOf(`${cell.wavelet} ${cell.options}`) % COLOURS;
      cell.shape = shapes.indexOf(cell.attention) % DASHES.length;
    });
    this.probe = document.body.appendChild(element("span", { hidden: "" }));
  }

  // The colour of a variable of the style in the current theme.
  colour(name) {
    this.probe.style.color = `var(--${name})`;
    return getComputedStyle(this.probe).color;
  }

  line(cell) {
    return this.colour(`series-${cell.colour}`);
  }

  faint(cell) {
    return this.line(cell).replace("rgb(", "rgba(").replace(")", ", 0.15)");
  }

  layout(x, y) {
    const axis = { gridcolor: this.colour("line"), zeroline: false, automargin: true, linecolor: this.colour("line") };
    return {
      font: { color: this.colour("ink"), size: 13, family: getComputedStyle(document.body).fontFamily },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      height: 380,
      margin: { l: 60, r: 20, t: 20, b: 60 },
      xaxis: { ...axis, title: { text: x, standoff: 10 } },
      yaxis: { ...axis, title: { text: y } },
      hovermode: "closest",
      hoverlabel: { bgcolor: this.colour("raised"), bordercolor: this.colour("line"), font: { color: this.colour("ink") } },
      dragmode: FINGER ? false : "zoom",
      showlegend: false,
    };
  }
}

// The common parts of both chart sections: the legend that hides cells, one plot per data set, the keyboard.
class Charts {
  constructor(id, looks) {
    this.section = document.getElementById(id);
    this.looks = looks;
    this.hidden = new Set();
    this.remark = "";
  }

  show(cells) {
    const drawable = cells.filter((cell) => this.drawable(cell));
    const labels = [...new Set(drawable.map((cell) => cell.label))];
    const shown = labels.slice(0, MOST_LABELS);
    this.cells = drawable.filter((cell) => shown.includes(cell.label));
    const notes = labels.length ? [this.remark] : ["There is nothing to draw here."];
    if (labels.length > MOST_LABELS) {
      notes.push(`The first ${MOST_LABELS} of ${labels.length} kinds of cells are drawn; the filter chooses others.`);
    }
    this.say(notes.join(" "));
    this.legend(shown);
    this.draw();
  }

  say(text) {
    this.section.querySelector(".said").textContent = text;
  }

  legend(labels) {
    this.section.querySelector(".legend").replaceChildren(
      ...labels.map((label) => {
        const button = element("button", { type: "button", "aria-pressed": !this.hidden.has(label) });
        button.append(this.sample(this.cells.find((cell) => cell.label === label)), label);
        button.addEventListener("click", () => {
          if (!this.hidden.delete(label)) this.hidden.add(label);
          button.setAttribute("aria-pressed", !this.hidden.has(label));
          this.draw();
        });
        return button;
      }),
    );
  }

  sample(cell) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const attributes = { width: 30, height: 12, "aria-hidden": true };
    for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
    svg.innerHTML = this.drawSample(cell);
    return svg;
  }

  draw() {
    const plots = this.section.querySelector(".plots");
    const groups = Map.groupBy(this.cells, (cell) => cell.data);
    const made = [...groups].flatMap(([data, cells]) => this.figures(data, cells.filter(({ label }) => !this.hidden.has(label))));
    while (plots.children.length > made.length) {
      Plotly.purge(plots.lastChild.lastChild);
      plots.lastChild.remove();
    }
    while (plots.children.length < made.length) plots.append(this.frame());
    made.forEach(({ title, traces, layout }, place) => {
      const [heading, figure] = plots.children[place].children;
      if (PRINTED.matches) Object.assign(layout, { width: figure.clientWidth, height: 300 });
      heading.textContent = title;
      figure.setAttribute("aria-label", `${title}; arrow keys move along the points`);
      Plotly.react(figure, traces, layout, CONFIG);
    });
  }

  frame() {
    const figure = element("div", { tabindex: 0, role: "application" });
    figure.addEventListener("keydown", (event) => this.move(event, figure));
    return element("div", { class: "plot" }, element("h3"), figure);
  }

  // Left and right move along a line, up and down to another one.
  move(event, figure) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!step) return;
    event.preventDefault();
    const lines = figure.data.flatMap((trace, number) => (trace.hoverinfo === "skip" ? [] : [number]));
    if (!lines.length) return;
    const at = (figure.at ??= { line: 0, point: -step[1] });
    at.line = (at.line + step[0] + lines.length) % lines.length;
    const trace = figure.data[lines[at.line]];
    at.point = Math.min(Math.max(at.point + step[1], 0), trace.x.length - 1);
    Plotly.Fx.hover(figure, [{ curveNumber: lines[at.line], pointNumber: at.point }]);
    const { xaxis, yaxis } = figure.layout;
    this.say(
      `${trace.name}: ${xaxis.title.text} ${trace.x[at.point]}, ${yaxis.title.text} ${trace.y[at.point].toPrecision(5)}`,
    );
  }
}

class Curves extends Charts {
  constructor(report, looks) {
    super("curves", looks);
    this.report = report;
    if (report.thinned) this.remark = `Long curves are drawn with ${report.points} points; metrics.csv has all.`;
    this.form = this.section.querySelector("form");
    const runs = Map.groupBy(report.runs, (run) => report.cells[run.cell]);
    report.cells.forEach((cell) => (cell.runs = runs.get(cell)));
    const names = metricsOf(report.runs);
    this.form.metric.append(...names.map((name) => element("option", { value: name }, this.label(name))));
    this.form.metric.value = report.cells[0].monitor;
    if (!this.form.metric.value && names.length) this.form.metric.value = names[0];
    this.form.addEventListener("input", () => this.show(this.offered));
    this.form.addEventListener("submit", (event) => event.preventDefault());
  }

  show(cells) {
    this.offered = cells;
    super.show(cells);
  }

  label(metric) {
    const name = metric.replace("val/", "validation ").replace("train/", "training ");
    return this.isPercent(metric) ? `${name} (%)` : name;
  }

  isPercent(metric) {
    return /^(val|train)\//.test(metric) && this.report.percent.includes(metric.replace(/^(val|train)\//, ""));
  }

  drawable(cell) {
    return drawnCurves(cell.runs, this.form.metric.value).length > 0;
  }

  drawSample(cell) {
    const dash = ["", "6 3", "2 3", "6 2 2 2", "10 3"][cell.shape];
    return `<line x2="30" y1="6" y2="6" stroke="var(--series-${cell.colour})" stroke-width="2.5" stroke-dasharray="${dash}"/>`;
  }

  figures(data, cells) {
    const { metric, over } = this.form;
    const layout = this.looks.layout(over.selectedOptions[0].text + (over.value === "seconds" ? " (s)" : ""), this.label(metric.value));
    const ranges = cells.length <= MOST_RANGES;
    return [{ title: data, traces: cells.flatMap((cell) => this.traces(cell, ranges)), layout }];
  }

  traces(cell, ranges) {
    const curves = drawnCurves(cell.runs, this.form.metric.value);
    if (this.form.seeds.value === "each") {
      return curves.map((curve) => this.line(cell, singleCurve(curve), `${cell.label}, seed ${curve.run.seed}`));
    }
    const curve = meanCurve(curves);
    const line = this.line(cell, curve, `${cell.label} (n = ${curve.seeds})`);
    return curve.seeds > 1 && ranges ? [this.band(cell, curve), line] : [line];
  }

  line(cell, curve, name) {
    const factor = this.isPercent(this.form.metric.value) ? 100 : 1;
    const range = curve.low && curve.seeds > 1;
    return {
      name,
      x: curve[this.form.over.value],
      y: curve.mean.map((value) => factor * value),
      customdata: curve.steps.map((step, place) => [step, range ? factor * curve.low[place] : 0, range ? factor * curve.high[place] : 0]),
      mode: "lines",
      line: { color: this.looks.line(cell), dash: DASHES[cell.shape], width: 2 },
      hovertemplate: `${name}<br>step %{customdata[0]}: <b>%{y:.5~g}</b>` +
        (range ? "<br>seeds from %{customdata[1]:.5~g} to %{customdata[2]:.5~g}" : "") + "<extra></extra>",
    };
  }

  band(cell, curve) {
    const factor = this.isPercent(this.form.metric.value) ? 100 : 1;
    const x = curve[this.form.over.value];
    return {
      x: [...x, ...[...x].reverse()],
      y: [...curve.high, ...[...curve.low].reverse()].map((value) => factor * value),
      fill: "toself",
      fillcolor: this.looks.faint(cell),
      mode: "lines",
      line: { width: 0 },
      hoverinfo: "skip",
    };
  }
}

class Costs extends Charts {
  constructor(looks) {
    super("costs", looks);
  }

  drawable(cell) {
    return cell.values.length > 0 && (cell.seconds !== null || cell.memory !== null);
  }

  drawSample(cell) {
    const shape = [
      '<circle cx="15" cy="6" r="5"/>',
      '<rect x="10" y="1" width="10" height="10"/>',
      '<path d="M15 0l6 6-6 6-6-6z"/>',
      '<path d="M15 0l6 11H9z"/>',
      '<path d="M11 1l-2 2 4 3-4 3 2 2 4-3 4 3 2-2-4-3 4-3-2-2-4 3z"/>',
    ][cell.shape];
    return `<g fill="var(--series-${cell.colour})">${shape}</g>`;
  }

  figures(data, cells) {
    const { metric, unit } = cells[0] ?? { metric: "metric", unit: "" };
    const y = `test ${metric}${unit && ` (${unit})`}`;
    const figure = (title, x, value) => ({
      title: `${data}, ${title}`,
      traces: cells.filter((cell) => value(cell) !== null).map((cell) => this.mark(cell, x, value(cell))),
      layout: this.looks.layout(x, y),
    });
    return [
      figure("time of a step", "time per step (ms)", ({ seconds }) => (seconds === null ? null : 1000 * seconds)),
      figure("peak memory", "peak memory (MiB)", ({ memory }) => (memory === null ? null : memory / 2 ** 20)),
    ];
  }

  mark(cell, label, x) {
    const mean = cell.values.reduce((sum, value) => sum + value, 0) / cell.values.length;
    const squares = cell.values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const deviation = cell.values.length > 1 ? Math.sqrt(squares / (cell.values.length - 1)) : 0;
    const name = `${cell.label} (n = ${cell.values.length})`;
    return {
      name,
      x: [x],
      y: [mean],
      error_y: { type: "data", array: [deviation], color: this.looks.line(cell), thickness: 1.5 },
      mode: "markers",
      marker: { color: this.looks.line(cell), symbol: MARKS[cell.shape], size: 11 },
      hovertemplate: `${name}<br>${label}: %{x:.5~g}<br>${cell.metric}: <b>${mean.toFixed(cell.digits)} ± ${deviation.toFixed(cell.digits)} ${cell.unit}</b><extra></extra>`,
    };
  }
}
