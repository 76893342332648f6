"""Every answer is that of source-controller's own code, pkg/sourceignore v0.18.0 and pkg/artifact v0.18.1."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxdoctor.intake.ignore import excluded

Case = tuple[str, dict[str, str], str | None, dict[str, str]]

# Paths (one word each), .sourceignore by folder, spec.ignore, and what is left out because of which pattern.
CASES: dict[str, Case] = {
    "nothing said: the defaults": (
        """.gitignore .gitmodules .gitattributes .github/ci.yaml .travis.yml a/.gitignore a/b/logo.png
        a.tar.gz a/appveyor.yml a/.sops.yaml .flux.yaml a/.goreleaser.yml pics.zip/readme
        .git a/app.yaml LOGO.PNG""",
        {},
        None,
        {
            ".gitignore": "default: .gitignore",
            ".gitmodules": "default: .gitmodules",
            ".gitattributes": "default: .gitattributes",
            ".github/ci.yaml": "default: .github/",
            ".travis.yml": "default: .travis.yml",
            "a/.gitignore": "default: .gitignore",
            "a/b/logo.png": "default: *.png",
            "a.tar.gz": "default: *.tar.gz",
            "a/appveyor.yml": "default: appveyor.yml",
            "a/.sops.yaml": "default: **/.sops.yaml",
            ".flux.yaml": "default: **/.flux.yaml",
            "a/.goreleaser.yml": "default: **/.goreleaser.yml",
            "pics.zip/readme": "default: *.zip",
        },
    ),
    "the rest of the defaults": (
        """a.jpg a.jpeg a.gif a.wmv a.flv .circleci/x .gitlab-ci.yml .drone.yml cloudbuild.yaml
        codeship-services.yml codeship-steps.yml .git/HEAD .sourceignore""",
        {},
        None,
        {
            "a.jpg": "default: *.jpg",
            "a.jpeg": "default: *.jpeg",
            "a.gif": "default: *.gif",
            "a.wmv": "default: *.wmv",
            "a.flv": "default: *.flv",
            ".circleci/x": "default: .circleci/",
            ".gitlab-ci.yml": "default: .gitlab-ci.yml",
            ".drone.yml": "default: .drone.yml",
            "cloudbuild.yaml": "default: cloudbuild.yaml",
            "codeship-services.yml": "default: codeship-services.yml",
            "codeship-steps.yml": "default: codeship-steps.yml",
            ".git/HEAD": "default: .git/",
        },
    ),
    "a pattern in spec.ignore drops the defaults, not those for version control": (
        "logo.png .sops.yaml .gitignore a.md",
        {},
        "*.md",
        {".gitignore": "default: .gitignore", "a.md": "spec.ignore: *.md"},
    ),
    "a pattern in a .sourceignore far below drops the defaults of the whole tree": (
        "logo.png a/b/x a/b/logo.png",
        {"a/b": "x\n"},
        None,
        {"a/b/x": "a/b/.sourceignore:1: x"},
    ),
    "comments and blank lines are no patterns: the defaults stay": (
        "logo.png a.md",
        {"": "# *.md\n\n \t\n"},
        "\n# nothing\n",
        {"logo.png": "default: *.png"},
    ),
    "an empty spec.ignore leaves the defaults": ("logo.png", {}, "", {"logo.png": "default: *.png"}),
    "even an inclusion drops the defaults": ("logo.png a.zip", {}, "!logo.png", {}),
    "version control files can be included again": (
        ".gitignore a/.gitignore .gitmodules",
        {},
        "!/.gitignore",
        {"a/.gitignore": "default: .gitignore", ".gitmodules": "default: .gitmodules"},
    ),
    "spec.ignore overrules every .sourceignore": (
        "a/x a/y b/z",
        {"": "/b/", "a": "x\n!y"},
        "!x\ny\n!/b/",
        {"a/y": "spec.ignore: y"},
    ),
    "a deeper .sourceignore overrules a higher one": (
        "x a/x a/b/x",
        {"": "x", "a": "!x", "a/b": "x"},
        None,
        {"x": ".sourceignore:1: x", "a/b/x": "a/b/.sourceignore:1: x"},
    ),
    "a .sourceignore does not see beside its folder": (
        "a/x ab/x b/a/x x",
        {"a": "x", "b": "/x"},
        None,
        {"a/x": "a/.sourceignore:1: x"},
    ),
    "the last pattern that matches decides": (
        "a.md b.md c.md",
        {"": "*.md\n!b.md\n\n# again\nb.md\n!c.md"},
        None,
        {"a.md": ".sourceignore:1: *.md", "b.md": ".sourceignore:5: b.md"},
    ),
    "the documented example": (
        "README.md deploy/app.yaml deploy/a/notes.md deploy/notes.txt other/app.yaml",
        {},
        "# exclude all\n/*\n# include deploy dir\n!/deploy\n/deploy/**/*.md\n/deploy/**/*.txt\n",
        {
            "README.md": "spec.ignore: /*",
            "deploy/a/notes.md": "spec.ignore: /deploy/**/*.md",
            "deploy/notes.txt": "spec.ignore: /deploy/**/*.txt",
            "other/app.yaml": "spec.ignore: /*",
        },
    ),
    "unlike with git, a file can be included again in an excluded folder": (
        "a/x a/y",
        {},
        "a/\n!a/x",
        {"a/y": "spec.ignore: a/"},
    ),
    "a slash at the end asks for a folder": (
        "x a/x/y b/x c/x/x",
        {"": "x/"},
        None,
        {"a/x/y": ".sourceignore:1: x/", "c/x/x": ".sourceignore:1: x/"},
    ),
    "a slash in front or within ties to the folder of the file": (
        "x a/x/y b/a/x a/b/x a/b/y b/b/x",
        {"": "/x\na/x", "a": "b/x"},
        None,
        {"x": ".sourceignore:1: /x", "a/x/y": ".sourceignore:2: a/x", "a/b/x": "a/.sourceignore:1: b/x"},
    ),
    "a folder of the tree excluded from its own root": (
        "deploy/production/a.yaml deploy/base/a.yaml x/deploy/production/a.yaml",
        {},
        "/deploy/production/",
        {"deploy/production/a.yaml": "spec.ignore: /deploy/production/"},
    ),
    "two stars": (
        "x a/x a/b/x a/b/c/x a/c",
        {},
        "a/**/x",
        dict.fromkeys(("a/x", "a/b/x", "a/b/c/x"), "spec.ignore: a/**/x"),
    ),
    "two stars at the end hold the folder's name too": (
        "a/b/c b c/b/a x",
        {},
        "b/**\na/b/**/\nc/b/a/**/",
        {"a/b/c": "spec.ignore: a/b/**/", "b": "spec.ignore: b/**"},
    ),
    "two stars look at the first match only": (
        "a/x/a/b a/b x/a/b",
        {},
        "**/a/b",
        {"a/b": "spec.ignore: **/a/b", "x/a/b": "spec.ignore: **/a/b"},
    ),
    "two stars within a name": (
        "axb ab",
        {},
        "a**b",
        {"axb": "spec.ignore: a**b", "ab": "spec.ignore: a**b"},
    ),
    "two stars within a name below a folder match nothing": ("d/axb d/ab", {}, "d/a**b", {}),
    "two stars alone": ("x a/y", {}, "**", {"x": "spec.ignore: **", "a/y": "spec.ignore: **"}),
    "two stars and a slash": ("x a/y", {}, "**/", {"a/y": "spec.ignore: **/"}),
    "what matches nothing": ("x a/y", {}, "/**\n/\n//\n!\n/**/\n", {}),
    "an empty element undoes two stars": ("x a/x a/b", {}, "**//x", {"x": "spec.ignore: **//x"}),
    "one star stays in its element": (
        "ab/c abc a/bc",
        {},
        "/a*c",
        {"abc": "spec.ignore: /a*c"},
    ),
    "several stars": ("aabab aaba", {}, "*a*b", {"aabab": "spec.ignore: *a*b"}),
    "one character": ("ab éb b aab", {}, "?b", {"ab": "spec.ignore: ?b", "éb": "spec.ignore: ?b"}),
    "classes": (
        "a b c d ! ^ - 1",
        {},
        "[a-b]\n[^a-z!^-]\n[!d]\n[\\^]\n",
        {
            "a": "spec.ignore: [a-b]",
            "b": "spec.ignore: [a-b]",
            "d": "spec.ignore: [!d]",
            "!": "spec.ignore: [!d]",
            "^": "spec.ignore: [\\^]",
        },
    ),
    "a class never holds the slash": ("a/b a.b", {}, "/a[.-0]b", {"a.b": "spec.ignore: /a[.-0]b"}),
    "a range that runs backwards is empty": (
        "b z",
        {},
        "[c-a]\n[^c-a]z\n[^z-y]",
        {"b": "spec.ignore: [^z-y]", "z": "spec.ignore: [^z-y]"},
    ),
    "malformed patterns match nothing": ("a [ ] - a[ a\\", {}, "[\n[]\n[]a]\n[a-]\n[-a]\n[^]\na[\na\\\n", {}),
    "a malformed element spoils the pattern": ("a/b b", {}, "a/[\n[/b\n**/[\n", {}),
    "what is escaped stands for itself": (
        "* a #x !x x",
        {"": "\\*\n\\#x\n\\!x\n#x\n"},
        None,
        {"*": ".sourceignore:1: \\*", "#x": ".sourceignore:2: \\#x", "!x": ".sourceignore:3: \\!x"},
    ),
    "spaces at the end and Windows line ends are dropped": (
        "a b c",
        {"": "a  \r\nb\r\n"},
        "c ",
        {"a": ".sourceignore:1: a", "b": ".sourceignore:2: b", "c": "spec.ignore: c"},
    ),
    "a .sourceignore of git's own folder is not read": (
        "logo.png",
        {".git/info": "*"},
        None,
        {"logo.png": "default: *.png"},
    ),
    "an excluded folder's .sourceignore is read all the same": (
        "a/x a/y",
        {"": "a/", "a": "!x"},
        None,
        {"a/y": ".sourceignore:1: a/"},
    ),
    "a .sourceignore is a file like any other": (
        ".sourceignore a/.sourceignore",
        {"": "x", "a": ".sourceignore"},
        None,
        {"a/.sourceignore": "a/.sourceignore:1: .sourceignore"},
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_excluded(case: Case) -> None:
    paths, sourceignore, spec_ignore, expected = case
    assert excluded(paths.split(), sourceignore, spec_ignore) == expected


def test_names_with_spaces() -> None:
    paths = ["a ", "a", " b", "b", "c\nd"]
    assert excluded(paths, {}, "a\\ \n b\nc*") == {
        "a ": "spec.ignore: a\\ ",
        " b": "spec.ignore:  b",
        "c\nd": "spec.ignore: c*",
    }


def test_a_hostile_pattern_takes_no_time() -> None:
    name = "a" * 250
    stars = "*a" * 50 + "b"
    assert excluded([f"{name}/{name}"] * 1000, {"": f"{stars}\n**/{stars}/{stars}\n[{name * 100}\n"}, None) == {}


def test_a_large_tree() -> None:
    folders = [f"clusters/c{number % 50}/apps/{number}" for number in range(15_000)]
    paths = [f"{folder}/{name}" for folder in folders for name in ("app.yaml", "logo.png")]
    expected = {f"{folder}/logo.png": "default: *.png" for folder in folders}
    assert excluded(paths, {}, None) == expected


NAME = st.text(st.sampled_from("ab.*[]!-^\\ #é"), min_size=1, max_size=4)
PATH = st.lists(NAME, min_size=1, max_size=4).map("/".join)
TEXT = st.text(st.sampled_from("ab.*?[]!-^\\ #é/\n\r"), max_size=30)


@given(st.lists(PATH, max_size=8), st.dictionaries(st.just("") | PATH, TEXT, max_size=3), st.none() | TEXT)
def test_each_file_is_judged_alone(paths: list[str], sourceignore: dict[str, str], spec: str | None) -> None:
    alone = {path: at for one in paths for path, at in excluded([one], sourceignore, spec).items()}
    assert excluded(paths, sourceignore, spec) == alone


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("*a*a*a*a*a*b\n", "a" * 200_000 + "/x"),
        ("**/a/**/a/**/b\na/**/a/*/c\n", "a/" * 100_000 + "x"),
        ("*/" * 50 + "b\n", "a/" * 100_000 + "x"),
        ("[" + "a-z" * 20_000 + "]*[!c]\n" + "[" * 200_000, "ab" * 100_000),
        ("".join(f"*x{i}*y/z{i}\n" for i in range(10_000)), "a/b"),
    ],
)  # fmt: skip
def test_no_pattern_and_no_path_takes_long(text: str, path: str) -> None:
    began = time.process_time()
    assert excluded([path], {"": text, "a": "*.b\n", "a/a": text}, text) == {}
    assert time.process_time() - began < 5
