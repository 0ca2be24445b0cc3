// A run's command and configuration, in a dialog, to copy.
class RunDialog {
  constructor(runs) {
    this.runs = runs;
    this.dialog = document.getElementById("run");
    document.querySelector('table[data-rows="runs"]').addEventListener("click", (event) => {
      const button = event.target.closest("button.open");
      if (button) this.open(this.runs[Number(button.closest("tr").dataset.number)]);
    });
    for (const button of this.dialog.querySelectorAll("button.copy")) {
      button.addEventListener("click", () => this.copy(button));
    }
  }

  open(run) {
    this.fill("run-name", run.name);
    this.fill("run-state", [run.state, run.reason, run.folder].filter(Boolean).join(" · "));
    this.fill("run-command", run.command ?? "unknown");
    this.fill("run-config", run.config ?? "unknown");
    const test = Object.entries(run.test ?? {}).flatMap(([name, value]) => [
      element("dt", {}, name),
      element("dd", {}, String(value)),
    ]);
    document.getElementById("run-test").replaceChildren(...(test.length ? test : [element("dt", {}, "none yet")]));
    this.dialog.showModal();
    this.dialog.scrollTop = 0;
  }

  fill(id, text) {
    document.getElementById(id).textContent = text;
  }

  async copy(button) {
    const source = document.getElementById(button.dataset.of);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "copied";
    } catch {
      // Pages without https may not write to the clipboard: the text is marked, ready for Ctrl-C.
      getSelection().selectAllChildren(source);
      button.textContent = "marked: press Ctrl-C";
    }
    setTimeout(() => (button.textContent = "copy"), 2000);
  }
}
