"""HTML as a browser without script sees it: texts by id, forms, and what pressing a button would send."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
Attributes = dict[str, str]
Value = str | bool  #: a text for a field, True or False for a checkbox or radio button


@dataclass
class Control:
    """A field or button of a form."""

    kind: str  #: the type attribute, or select, textarea
    attributes: Attributes
    value: str
    checked: bool = False

    @property
    def id(self) -> str:
        """The id by which tests name it."""
        return self.attributes.get("id", "")

    @property
    def name(self) -> str:
        """The name under which it is sent."""
        return self.attributes.get("name", "")

    @property
    def is_button(self) -> bool:
        """Say whether pressing it sends the form."""
        return self.kind in ("submit", "image")


@dataclass
class Form:
    """A form and its controls in document order."""

    attributes: Attributes
    controls: list[Control] = field(default_factory=list)

    @property
    def hidden(self) -> dict[str, str]:
        """Its hidden fields."""
        return {control.name: control.value for control in self.controls if control.kind == "hidden"}

    def button(self, id: str) -> Control | None:
        """Return its button of that id."""
        return next((control for control in self.controls if control.is_button and control.id == id), None)

    def fill(self, values: Mapping[str, Value]) -> None:
        """Type into fields, tick or choose, by id."""
        by_id = {control.id: control for control in self.controls if not control.is_button}
        missing = set(values) - set(by_id)
        assert not missing, f"no field {sorted(missing)}, only {sorted(filter(None, by_id))}"
        for id, value in values.items():
            control = by_id[id]
            if isinstance(value, str):
                control.value = value
                continue
            if control.kind == "radio":
                for other in self.controls:
                    other.checked = other.checked and other.name != control.name
            control.checked = value

    def pressed(self, button: Control) -> list[tuple[str, str]]:
        """Return what is sent when the button is pressed."""
        sent = []
        for control in self.controls:
            ticked = control.kind not in ("checkbox", "radio") or control.checked
            wanted = control is button if control.is_button else control.kind not in ("button", "reset")
            if control.name and ticked and wanted and "disabled" not in control.attributes:
                sent.append((control.name, control.value))
        return sent


class HtmlDocument(HTMLParser):
    """A parsed page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.data_page: str | None = None  #: what kind of page it says it is
        self.language: str | None = None
        self.texts: dict[str, str] = {}  #: by id
        self.attributes: dict[str, Attributes] = {}  #: by id
        self.forms: list[Form] = []
        self.links: list[Attributes] = []
        self.frames: list[Attributes] = []
        self.refresh: str | None = None  #: what a browser without script does by itself
        self._open: list[tuple[str, str]] = []  # tag, id
        self._form: Form | None = None
        self._field: Control | None = None  # the select or textarea that is open
        self.feed(text)
        self.close()

    def form_with_button(self, id: str) -> tuple[Form, Control]:
        """Return the button of that id and its form."""
        for form in self.forms:
            if button := form.button(id):
                return form, button
        known = [control.id for form in self.forms for control in form.controls if control.is_button]
        raise AssertionError(f"no button {id!r} on page {self.data_page!r}, only {known}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters about an element."""
        attributes = {name: value or "" for name, value in attrs}
        if id := attributes.get("id", ""):
            assert id not in self.texts, f"two elements have the id {id!r}"
            self.texts[id] = ""
            self.attributes[id] = attributes
        if tag not in VOID:
            self._open.append((tag, id))
        match tag:
            case "html":
                self.language = attributes.get("lang")
            case "body":
                self.data_page = attributes.get("data-page")
            case "a" | "link":
                self.links.append(attributes)
            case "iframe":
                self.frames.append(attributes)
            case "meta" if attributes.get("http-equiv", "").lower() == "refresh":
                self.refresh = attributes["content"]
            case "form":
                self._form = Form(attributes)
                self.forms.append(self._form)
            case "input" | "button" | "select" | "textarea":
                self._add_control(tag, attributes)
            case "option" if self._field is not None:
                if "selected" in attributes or not self._field.value:
                    self._field.value = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """Leave the element, and whatever in it was not closed."""
        while self._open and any(tag == name for name, _ in self._open):
            if self._open.pop()[0] == tag:
                break
        if tag == "form":
            self._form = None
        if tag in ("select", "textarea"):
            self._field = None

    def handle_data(self, data: str) -> None:
        """Add text to every open element that has an id."""
        for tag, id in self._open:
            if tag == "title":
                self.title += data
            if id:
                self.texts[id] += data
        if self._field is not None and self._field.kind == "textarea":
            self._field.value += data

    def _add_control(self, tag: str, attributes: Attributes) -> None:
        default = {"input": "text", "button": "submit"}.get(tag, tag)
        kind = attributes.get("type", default).lower() if tag in ("input", "button") else tag
        ticked = kind in ("checkbox", "radio")
        control = Control(kind, attributes, attributes.get("value", "on" if ticked else ""), "checked" in attributes)
        owner = self._form
        if "form" in attributes:
            owner = next((form for form in self.forms if form.attributes.get("id") == attributes["form"]), None)
        if owner is not None:
            owner.controls.append(control)
        if tag in ("select", "textarea"):
            self._field = control


def target(page_url: str, form: Form, button: Control) -> tuple[str, str]:
    """Return method and address a button sends its form to."""
    action = button.attributes.get("formaction", form.attributes.get("action", ""))
    method = button.attributes.get("formmethod", form.attributes.get("method", "get"))
    return method.upper(), urljoin(page_url, action)
