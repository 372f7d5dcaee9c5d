"""What a browser would find in a page: texts, tables, names of parts and addresses."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """A page that was read.

    Attributes:
        tags: the names of its elements, in order.
        text: the text of the whole page, without its styles.
        tables: by caption, the texts of the cells of each row.
        facts: the values of the lists of facts, by name.
        ids: the names of parts.
        addresses: every address that a browser would load or link to.
        labels: the texts for readers who do not see the pictures.
    """

    def __init__(self, source):
        super().__init__()
        self.tags, self.tables, self.facts, self.ids = [], {}, {}, []
        self.addresses, self.labels, self.handlers = [], [], []
        self._open, self._parts, self._rows, self._caption, self._term = [], [], [], "", ""
        self.feed(source)
        self.close()
        self.text = " ".join("".join(self._parts).split())
        assert self._open == [], self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
                self.addresses.append(value)
            if name == "alt" or (tag == "svg" and name == "aria-label"):
                self.labels.append(value)
            if name.startswith("on"):
                self.handlers.append(name)
        if tag in VOID:
            return
        self._open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "dt":
            self._term = ""

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows
        if tag in ("p", "li", "td", "th", "h1", "h2", "caption", "dd", "dt", "figcaption", "text"):
            self._parts.append(" ")

    def handle_data(self, data):
        if "style" in self._open:
            return
        self._parts.append(data)
        last = self._open[-1] if self._open else ""
        if last in ("td", "th"):
            self._rows[-1][-1] += data
        elif last == "caption":
            self._caption += data
        elif last == "dt":
            self._term += data
        elif last == "dd":
            self.facts[self._term] = self.facts.get(self._term, "") + data


def read_page(path):
    """Return a page that was written to a file."""
    return Page(path.read_text(encoding="utf-8"))
