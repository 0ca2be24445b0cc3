const root = document.documentElement;
const report = JSON.parse(await unpacked("data"));
root.classList.add("scripts");
document.querySelectorAll("table.sortable").forEach(makeSortable);
new RunDialog(report.runs);

const charts = [];
let chosen = [];
let waiting;
const show = () => {
  charts.forEach((chart) => chart.show(chosen));
  root.dataset.ready = "";
};
const filter = new Filter(report, (cells) => {
  chosen = cells;
  clearTimeout(waiting);
  waiting = setTimeout(show, 100);
});

const library = element("script");
library.textContent = await unpacked("plotly");
document.head.append(library);
const looks = new Looks(report.cells);
charts.push(new Curves(report, looks), new Costs(looks));
if (document.getElementById("filters")) charts.push(new Gallery(report));
filter.apply();

const redraw = () => charts.forEach((chart) => chart.draw());
const dark = matchMedia("(prefers-color-scheme: dark)");
document.getElementById("theme").addEventListener("click", () => {
  const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
  root.dataset.theme = isDark ? "light" : "dark";
  redraw();
});
dark.addEventListener("change", redraw);
PRINTED.addEventListener("change", redraw);
