/** A table's header whose buttons sort it, by mouse and by keyboard. */

import { make, mark } from "./dom.js";

export class Sorting {
  /**
   * @param {HTMLElement} row the header's
   * @param {{name: string, hint?: string, value?: Function, compare?: Function, down?: boolean}[]} columns
   * @param {() => void} changed
   */
  constructor(row, columns, changed) {
    this.column = null; // as the rows come
    this.ascending = true;
    this.heads = columns.map((column) => {
      const button = make("button", { type: "button", title: column.hint ?? null }, column.name);
      const head = make("th", { role: "columnheader", scope: "col", class: column.class ?? null }, button);
      button.addEventListener("click", () => {
        this.ascending = this.column === column ? !this.ascending : !column.down;
        this.column = column;
        this.#tell();
        changed();
      });
      return { column, head };
    });
    row.replaceChildren(...this.heads.map(({ head }) => head));
    this.#tell();
  }

  /** These items in the order that was asked for. */
  sorted(items) {
    if (this.column === null) return items;
    const { compare, value } = this.column;
    const sign = this.ascending ? 1 : -1;
    return items.toSorted((one, other) => sign * (compare ? compare(one, other) : number(value(one)) - number(value(other))));
  }

  #tell() {
    for (const { column, head } of this.heads) {
      const order = this.ascending ? "ascending" : "descending";
      mark(head, { "aria-sort": column === this.column ? order : "none" });
    }
  }
}

/** What isn't known comes before all numbers. */
function number(value) {
  return value ?? -1;
}
