/**
 * Elements and their changes. Text goes in as text nodes only, so that nothing a peer is called can
 * become markup; and nothing is written that is there already, so that an update costs what changed.
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * A new HTML element with attributes and children; a child may be a string.
 * @param {string} name
 * @param {Record<string, string|number|boolean|null>} [attributes]
 * @param {...(Node|string)} children
 */
export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** A new SVG element. */
export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** Says this text in an element that holds nothing but text. */
export function say(element, text) {
  const there = element.firstChild;
  if (there === null) {
    if (text !== "") element.append(text);
  } else if (there.data !== text) {
    there.data = text;
  }
}

/** Sets attributes; null or false takes one away. */
export function mark(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) {
      if (element.hasAttribute(name)) element.removeAttribute(name);
    } else {
      const text = value === true ? "" : String(value);
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }
  return element;
}

/** The element of this page with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Children of an element, one for each item, known by key: what stays is only updated. */
export class Keyed {
  /**
   * @param {Element} parent
   * @param {(item: any) => Element} create
   * @param {(element: any, item: any) => void} update
   */
  constructor(parent, create, update) {
    this.parent = parent;
    this.create = create;
    this.update = update;
    this.elements = new Map();
  }

  /** Shows these items in this order. Each has a `key` of its own. */
  show(items) {
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, element] of this.elements) {
      if (wanted.has(key)) continue;
      element.remove(); // first, so that those after it needn't move
      this.elements.delete(key);
    }
    let next = this.parent.firstElementChild;
    for (const item of items) {
      let element = this.elements.get(item.key);
      if (element === undefined) {
        element = this.create(item);
        this.elements.set(item.key, element);
      }
      this.update(element, item);
      if (next === element) next = next.nextElementSibling;
      else this.parent.insertBefore(element, next);
    }
  }
}

function fill(element, attributes, children) {
  mark(element, attributes);
  element.append(...children);
  return element;
}
