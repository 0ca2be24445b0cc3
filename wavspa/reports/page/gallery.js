// The wavelet filters of the runs whose cells pass the filter above; drawn when they are opened.
class Gallery {
  constructor(report) {
    this.section = document.getElementById("filters");
    const runs = report.runs.filter((run) => run.filters).sort((a, b) => a.cell - b.cell);
    this.entries = runs.map((run) => {
      const cell = report.cells[run.cell];
      const entry = element("details", {}, element("summary", {}, `${cell.data}: ${cell.label}, seed ${run.seed}`));
      entry.addEventListener("toggle", () => {
        if (entry.querySelector("svg")) return;
        entry.insertAdjacentHTML("beforeend", run.filters);
        entry.querySelector("svg").setAttribute("role", "img");
        entry.querySelector("svg").setAttribute("aria-label", `filters of ${run.name}`);
      });
      return { entry, cell };
    });
    this.section.querySelector(".gallery").append(...this.entries.map(({ entry }) => entry));
    this.entries[0].entry.open = true;
  }

  show(cells) {
    const shown = new Set(cells);
    let count = 0;
    for (const { entry, cell } of this.entries) {
      entry.hidden = !shown.has(cell);
      count += !entry.hidden;
    }
    this.section.querySelector(".said").textContent = count ? "" : "This page has no filters of these runs.";
  }

  draw() {}
}
