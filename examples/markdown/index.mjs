// SPDX-License-Identifier: Apache-2.0
//
// Renders Markdown as a whole HTML page, with a table of contents. What the text may contain as HTML is shown as text.

import { Marked } from 'marked';

const TEXT_MAX = 1_000_000;
const UNSAFE_LINK = /^\s*(javascript|vbscript|data):/i;
const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escape = (text) => text.replace(/[&<>"']/g, (letter) => ESCAPES[letter]);

/** The id of a heading: its letters and digits, a number behind it when it is not the first of its name. */
function slugs() {
  const seen = new Map();
  return (text) => {
    const slug = text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'section';
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count ? `${slug}-${count}` : slug;
  };
}

function render(text) {
  const headings = [];
  const slug = slugs();
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth, text: plain }) {
        const id = slug(plain);
        headings.push({ depth, text: plain, id });
        return `<h${depth} id="${escape(id)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      html: ({ text: raw }) => escape(raw),
      link({ href, tokens }) {
        const inside = this.parser.parseInline(tokens);
        return UNSAFE_LINK.test(href) ? inside : `<a href="${escape(href)}">${inside}</a>`;
      },
      image: ({ href, text: alternative }) =>
        UNSAFE_LINK.test(href) ? escape(alternative) : `<img src="${escape(href)}" alt="${escape(alternative)}">`,
    },
  });
  return { body: marked.parse(text), headings };
}

/** {"markdown": text, "title": text} -> {"html", "title", "headings", "words"} */
export const handler = async (event) => {
  const { markdown, title } = event;
  if (typeof markdown !== 'string' || markdown.length > TEXT_MAX) {
    throw new TypeError(`markdown must be a text of at most ${TEXT_MAX} characters`);
  }
  const { body, headings } = render(markdown);
  const name = title ?? headings[0]?.text ?? 'Untitled';
  const contents = headings
    .filter(({ depth }) => depth > 1)
    .map(({ depth, text, id }) => `<li class="depth-${depth}"><a href="#${escape(id)}">${escape(text)}</a></li>`)
    .join('');
  const navigation = contents && `<nav><ul>${contents}</ul></nav>\n`;
  const html =
    `<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>${escape(name)}</title></head>\n` +
    `<body>\n${navigation}${body}</body>\n</html>\n`;
  return { html, title: name, headings, words: markdown.split(/\s+/).filter(Boolean).length };
};
