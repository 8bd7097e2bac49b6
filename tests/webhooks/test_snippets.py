"""The snippets of `webhooks/README.md`, each in its own language: what is good, and what must not pass (K4)."""

import base64
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from webhooks import signing
from webhooks import verify as module

README = Path(module.__file__).with_name("README.md").read_text()
SECTION = README[README.index("## Verify what we send") : README.index("## Where we connect")]
SNIPPETS: Mapping[str, str] = dict(re.findall(r"```(\w+)\n(.*?)```", SECTION, re.DOTALL))

BODY = '{"city":"Zürich","note":"a\\u0000b"}'.encode()
OLD, NEW, OTHER = (signing.new(letter * 32, b"k" * 32) for letter in (b"o", b"n", b"x"))

# What reads cases, a line each (a secret or two; id, timestamp, signatures, body), and writes `true` or `false`.
PYTHON = """
import base64, sys
from snippet import is_good
for line in sys.stdin:
    secrets, *three, body = line.rstrip("\\n").split("\\t")
    headers = {f"webhook-{name}": value for name, value in zip(("id", "timestamp", "signature"), three) if value}
    print(str(is_good(secrets.split(","), headers, base64.b64decode(body))).lower())
"""
NODE = """
for (const line of require("node:fs").readFileSync(0, "utf8").split("\\n").filter(Boolean)) {
  const [secrets, id, stamp, signature, body] = line.split("\\t");
  const all = { "webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": signature };
  const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value));
  console.log(isGood(secrets.split(","), headers, Buffer.from(body, "base64")));
}
"""
JAVA = """
import java.util.*;
class Main {
    public static void main(String[] arguments) throws Exception {
        Scanner in = new Scanner(System.in, "UTF-8");
        while (in.hasNextLine()) {
            String[] part = in.nextLine().split("\\t", -1);
            Map<String, String> headers = new HashMap<>();
            String[] names = {"webhook-id", "webhook-timestamp", "webhook-signature"};
            for (int i = 0; i < 3; i++) if (!part[i + 1].isEmpty()) headers.put(names[i], part[i + 1]);
            byte[] body = Base64.getDecoder().decode(part[4]);
            System.out.println(Webhooks.isGood(List.of(part[0].split(",")), headers, body));
        }
    }
}
"""
GO = """package main

import ("bufio"; "encoding/base64"; "fmt"; "net/http"; "os"; "strings")

func main() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		part := strings.Split(in.Text(), "\\t")
		headers := http.Header{}
		for i, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			if part[i+1] != "" { headers.Set(name, part[i+1]) }
		}
		body, _ := base64.StdEncoding.DecodeString(part[4])
		fmt.Println(isGood(strings.Split(part[0], ","), headers, body))
	}
}
"""
PHP = """<?php
require 'snippet.php';
while (($line = fgets(STDIN)) !== false) {
    [$secrets, $id, $stamp, $signature, $body] = explode("\\t", rtrim($line, "\\n"));
    $headers = array_filter(['webhook-id' => $id, 'webhook-timestamp' => $stamp, 'webhook-signature' => $signature]);
    echo is_good(explode(',', $secrets), $headers, base64_decode($body)) ? "true\\n" : "false\\n";
}
"""
CSHARP = """
using System; using System.Collections.Generic;
class Program {
    static void Main() {
        string[] names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        for (string line; (line = Console.ReadLine()) != null;) {
            var part = line.Split('\\t');
            var headers = new Dictionary<string, string>();
            for (int i = 0; i < 3; i++) if (part[i + 1] != "") headers[names[i]] = part[i + 1];
            var good = Webhooks.IsGood(part[0].Split(','), headers, Convert.FromBase64String(part[4]));
            Console.WriteLine(good ? "true" : "false");
        }
    }
}
"""
PROJECT = """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup>
<OutputType>Exe</OutputType><TargetFramework>net8.0</TargetFramework><RollForward>Major</RollForward>
</PropertyGroup></Project>"""


def run(folder: Path, *command: str, given: str = "") -> str:
    ran = subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, timeout=150)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def program(name: str) -> str:
    """The program of a language; skips where there is none."""
    found = shutil.which(name) or shutil.which(name, path="/usr/local/go/bin")
    return found or pytest.skip(f"{name} is not installed here")


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


def python(folder: Path, given: str) -> str:
    write(folder, snippet__py=SNIPPETS["python"], main__py=PYTHON, verify__py=Path(module.__file__).read_text())
    return run(folder, program("python3"), "main.py", given=given)


def node(folder: Path, given: str) -> str:
    write(folder, main__js=SNIPPETS["js"] + NODE)
    return run(folder, program("node"), "main.js", given=given)


def java(folder: Path, given: str) -> str:
    write(folder, Webhooks__java=SNIPPETS["java"], Main__java=JAVA)
    run(folder, program("javac"), "-encoding", "UTF-8", "Webhooks.java", "Main.java")
    return run(folder, program("java"), "-cp", ".", "Main", given=given)


def go(folder: Path, given: str) -> str:
    write(folder, snippet__go=SNIPPETS["go"], main__go=GO, go__mod="module check\n\ngo 1.20\n")
    run(folder, program("go"), "build", "-o", "check", ".")
    return run(folder, str(folder / "check"), given=given)


def php(folder: Path, given: str) -> str:
    write(folder, snippet__php=SNIPPETS["php"], main__php=PHP)
    return run(folder, program("php"), "main.php", given=given)


def csharp(folder: Path, given: str) -> str:
    write(folder, Webhooks__cs=SNIPPETS["csharp"], Program__cs=CSHARP, check__csproj=PROJECT)
    return run(folder, program("dotnet"), "run", "--project", "check.csproj", given=given)


LANGUAGES: tuple[Callable[[Path, str], str], ...] = (python, node, java, go, php, csharp)


def cases() -> list[tuple[str, str, bool]]:
    """(what it is, the line of it, whether it is good)"""
    stamp = int(datetime.now(UTC).timestamp())

    def line(
        *,
        secrets: str = NEW.secret,
        name: str = "whm_1",
        at: int | str = stamp,
        signature: str | None = None,
        body: bytes = BODY,
    ) -> str:
        if signature is None:
            signature = signing.value(signing.signers([NEW]), "whm_1", int(at), BODY)
        return "\t".join((secrets, name, str(at), signature, base64.b64encode(body).decode()))

    v1, v1a = signing.value(signing.signers([NEW]), "whm_1", stamp, BODY).split(" ")
    both = signing.value(signing.signers([NEW, OLD]), "whm_1", stamp, BODY)
    return [
        ("good", line(), True),
        ("one of two secrets", line(secrets=f"{OTHER.secret},{NEW.secret}"), True),
        ("the old one of a rotation", line(secrets=OLD.secret, signature=both), True),
        ("among signatures of other kinds", line(signature=f"v1a,xx v2,é v1 {v1} ,"), True),
        ("four minutes ago", line(at=stamp - 240), True),
        ("an empty body", line(body=b"", signature=signing.sign(signing.key(NEW.secret), "whm_1", stamp, b"")), True),
        ("another secret", line(secrets=OTHER.secret), False),
        ("another id", line(name="whm_2"), False),
        ("another body", line(body=BODY + b"\n"), False),
        ("JSON written again", line(body=BODY.replace(b",", b", ")), False),
        ("six minutes ago", line(at=stamp - 360), False),
        ("six minutes ahead", line(at=stamp + 360), False),
        ("another timestamp", line(at=stamp + 1, signature=v1), False),
        ("a timestamp with a sign", line(at=f"+{stamp}", signature=v1), False),
        ("a timestamp with a fraction", line(at=f"{stamp}.0", signature=v1), False),
        ("a timestamp without end", line(at="9" * 400, signature=v1), False),
        ("no id", line(name=""), False),
        ("no timestamp", line(at="", signature=v1), False),
        ("no signature", line(signature=""), False),
        ("ed25519 alone", line(signature=v1a), False),
        ("without its version", line(signature=v1.removeprefix("v1,")), False),
        ("of another version", line(signature=v1.replace("v1,", "v2,")), False),
        ("cut off", line(signature=v1[:-4]), False),
    ]


def test_six_languages_are_shown() -> None:
    assert set(SNIPPETS) == {"python", "js", "java", "go", "php", "csharp"}


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.__name__)
def test_a_snippet_tells_good_from_bad_k4(language: Callable[[Path, str], str], tmp_path: Path) -> None:
    told = cases()
    said = language(tmp_path, "".join(f"{line}\n" for _, line, _ in told)).split()
    assert dict(zip((what for what, _, _ in told), said, strict=True)) == {
        what: str(good).lower() for what, _, good in told
    }
