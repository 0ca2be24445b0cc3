// One filter for tables and charts: words that must all occur in a row, and chosen values.
const DIMENSIONS = ["data", "attention", "wavelet", "options", "state"];

class Filter {
  constructor(report, changed) {
    this.report = report;
    this.form = document.getElementById("filter");
    this.rows = {};
    for (const key of ["cells", "runs"]) {
      const rows = document.querySelectorAll(`table[data-rows="${key}"] tbody tr`);
      this.rows[key] = [...rows].map((row) => ({
        row,
        number: Number(row.dataset.number),
        text: row.textContent.toLowerCase(),
      }));
    }
    for (const name of DIMENSIONS) this.offer(name);
    this.form.addEventListener("input", () => this.apply());
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", () => setTimeout(() => this.apply()));
    this.changed = changed;
  }

  // The values of a run: its own state, and otherwise those of its cell.
  value(run, name) {
    if (name === "state") return run.state;
    return run.cell === null ? undefined : this.report.cells[run.cell][name];
  }

  offer(name) {
    const values = new Set(this.report.runs.map((run) => this.value(run, name)));
    values.delete(undefined);
    if (values.size < 2) return;
    const select = element("select", { name }, element("option", { value: "all" }, "all"));
    [...values].forEach((value) => {
      select.append(element("option", { value: `=${value}` }, value || "none"));
    });
    document.getElementById("choices").append(element("label", {}, name, " ", select));
  }

  apply() {
    const fields = new FormData(this.form);
    const words = fields.get("words").toLowerCase().split(/\s+/).filter(Boolean);
    const choices = DIMENSIONS.filter((name) => (fields.get(name) ?? "all") !== "all");
    const fits = (run) => choices.every((name) => `=${this.value(run, name)}` === fields.get(name));
    const has = (text) => words.every((word) => text.includes(word));
    const { cells, runs } = this.report;
    const shown = new Set();
    let count = 0;
    for (const { row, number, text } of this.rows.runs) {
      row.hidden = !(has(text) && fits(runs[number]));
      if (row.hidden) continue;
      count += 1;
      if (runs[number].cell !== null) shown.add(runs[number].cell);
    }
    for (const { row, number } of this.rows.cells) row.hidden = !shown.has(number);
    document.getElementById("shown").textContent =
      `${count} of ${runs.length} runs, ${shown.size} of ${cells.length} cells`;
    this.changed(cells.filter((_, number) => shown.has(number)));
  }
}
