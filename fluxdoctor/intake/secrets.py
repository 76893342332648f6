"""What may be told of a Secret: the names, sizes and formats of its values, never a value."""

from __future__ import annotations

import binascii
import hashlib
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from fluxdoctor.intake.redact import Redactor

_In = TypeVar("_In")
_Out = TypeVar("_Out")

_SHORTEST: Final = 8  # a shorter value stands in too many words that are no secret
_LONG_LINE: Final = 15  # and a shorter line in too many files
_LONG_ANNOTATION: Final = 256
_SHORT_WORD: Final = 4  # what a longer text may hold by chance
_LONG_PART: Final = 16  # what no two texts share by chance
_LARGE: Final = 2**63
_RELEASE: Final = "helm.sh/release.v1"
_SOPS: Final = "ENC[AES256_GCM,"

_HOST: Final = r"(?:\[[\da-fA-F.:%]+\]|[\w*?.-]+)"
_ADDRESS: Final = rf"{_HOST}(?::\d{{1,5}})?"
_SSH_TYPE: Final = r"ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d{3}|sk-[a-z\d-]{1,32}@openssh\.com"
_PRIVATE: Final = {"key_type": "rsa|dsa|ecdsa|ed25519|ed448|x25519|x448|unknown", "encrypted": bool}
_PLAIN: Final = (
    "empty", "text", "multi-line text", "binary", "invalid base64", "sops ciphertext", "release record", "JSON",
    "PEM public key", "PGP private key", "PGP public key",
)  # fmt: skip
#: What is told of a value besides its size: a type, a pattern for a text, or a list of the pattern of its texts.
_FORMATS: Final[dict[str, dict[str, Any]]] = {
    **{name: {} for name in _PLAIN},
    "PEM private key": _PRIVATE,
    "OpenSSH private key": _PRIVATE,
    "PEM certificate": {
        "expires": r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?", "names": [r"[\w*.:-]{1,255}"],
        "issuer_is_subject": bool, "count": int},
    "known_hosts": {
        "hosts": [r"!?(?:\[[\w*?.:%-]+\]:\d{1,5}|[\w*?.:%-]+)"], "hashed": int,
        "fingerprints": [rf"(?:{_SSH_TYPE}) SHA256:[A-Za-z\d+/]{{43}}"]},
    "docker config": {"registries": [_ADDRESS], "with_credentials": [_ADDRESS]},
    "kubeconfig": {"servers": [_ADDRESS], "exec": r"[\w.+-]{0,64}", "has_credentials": bool},
    "age identity": {"recipients": [r"age1[a-z\d]{58}"]},
}  # fmt: skip
_OWNER: Final = {**dict.fromkeys(("apiVersion", "kind", "name", "uid"), str), "controller": bool}
_METADATA: Final[dict[str, Any]] = {
    **dict.fromkeys(("name", "namespace", "creationTimestamp", "deletionTimestamp", "resourceVersion", "uid"), str),
    "generation": int,
    "finalizers": [".*"],
    "ownerReferences": [{**_OWNER, "blockOwnerDeletion": bool}],
}
#: Fields that hold credentials, in docker configs, kubeconfigs, chart values and .env files.
_CREDENTIAL: Final = re.compile(
    r"(?:pass(?:word|wd|phrase)?|pwd|token|credentials?|dsn|^auth|^secret|(?:client|shared|app|webhook)[-_.]?secret"
    r"|(?:api|access|private|secret|account|encryption|signing)[-_.]?key(?:[-_.]?(?:id|data))?|client-key-data)$",
    re.IGNORECASE,
)
_KNOWN_HOST: Final = re.compile(
    rf"\s*(?:@cert-authority\s+)?([\w!*?.,:%|+/=\[\]-]+)\s+({_SSH_TYPE})\s+([\w+/]+={{0,2}})(?:\s|\Z)"
)
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def facts(secret: Mapping[str, object]) -> dict[str, object]:
    """Return the Secret with ``keys`` in place of its data: the size and format of each value, and what is public of it.

    Total: whatever is not of the known shape is dropped. A Secret that already has ``keys`` and no data stays.
    """
    body = _mapping(secret)
    told = _told(body) if body.get("data") or body.get("stringData") else _mapping(body.get("keys"))
    # What was told goes through the same sieve as what was saved: one place decides what may leave.
    keys = {name: known for name, fact in told.items() if isinstance(name, str) and (known := _known_fact(fact))}
    header = _shaped(body, {"apiVersion": str, "kind": str, "type": str})
    return {**header, "metadata": _metadata(body), "keys": keys}


def values(secret: Mapping[str, object]) -> frozenset[str]:
    """Return what must not be seen of the Secret anywhere: its values, their longer lines, and credentials within them.

    For the memory of a redactor only. What the Secret's own name, namespace and labels say is not secret.
    """
    body = _mapping(secret)
    if body.get("type") == _RELEASE:
        return frozenset()  # packed: nobody quotes it, and hundreds of them would fill the redactor
    return frozenset(text for text in _texts(body) if len(text.strip()) >= _SHORTEST) - _public(body)


def words(secret: Mapping[str, object]) -> Iterator[str]:
    """Yield the short values that are credentials by their look or by the name of their key.

    They are masked where they stand as whole words; another short value may be any word (``main``, ``admin``).
    """
    for key, raw, base64 in _entries(_mapping(secret)):
        text = (_text(_decoded(raw, base64)) or "").strip()
        looks = re.search(r"\d", text) and re.search(r"[^\W\d]", text)
        if _SHORT_WORD <= len(text) < _SHORTEST and (looks or _CREDENTIAL.search(key)):
            yield text


def entries(secret: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    """Yield the keys and decoded values of a raw Secret. For the vault only: what collectors log in with."""
    for key, raw, base64 in _entries(_mapping(secret)):
        if (value := _decoded(raw, base64)) is not None:
            yield key, value


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _safely(read: Callable[[_In], _Out], value: _In) -> _Out | None:
    try:
        with warnings.catch_warnings():  # what a library thinks of a value is a word about the value
            warnings.simplefilter("ignore")
            return read(value)
    except Exception:  # noqa: BLE001 - anything can stand in a Secret: of what a parser cannot read there are no facts
        return None


def _shaped(body: Mapping[Any, Any], shape: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of the shape that are of the shape."""
    read = {name: _fitting(body.get(name), wanted) for name, wanted in shape.items()}
    return {name: value for name, value in read.items() if value is not None}


def _fitting(value: object, wanted: Any) -> object:
    if isinstance(wanted, list) and isinstance(value, list | tuple):
        return [fit for item in value if (fit := _fitting(item, wanted[0])) is not None]
    if isinstance(wanted, dict) and isinstance(value, Mapping):
        return _shaped(value, wanted)
    if isinstance(wanted, str) and isinstance(value, str):
        return value if re.fullmatch(wanted, value, re.ASCII | re.DOTALL) else None
    odd = isinstance(value, int) and not 0 <= value < _LARGE
    return value if type(value) is wanted and not odd else None


def _known_fact(fact: object) -> dict[str, object]:
    known = _shaped(_mapping(fact), {"size": int, "format": str})
    shape = _FORMATS.get(str(known.get("format")))
    return {} if shape is None or "size" not in known else {**known, **_shaped(_mapping(fact), shape)}


def _strings(value: object) -> dict[str, str]:
    return {k: v for k, v in _mapping(value).items() if isinstance(k, str) and isinstance(v, str)}


def _public(body: Mapping[Any, Any]) -> frozenset[str]:
    metadata = _mapping(body.get("metadata"))
    named = _strings({name: metadata.get(name) for name in ("name", "namespace")})
    return frozenset((*named.values(), *_strings(metadata.get("labels")).values()))


def _metadata(body: Mapping[Any, Any]) -> dict[str, object]:
    metadata = _mapping(body.get("metadata"))
    annotations = _strings(metadata.get("annotations"))
    annotations.pop("kubectl.kubernetes.io/last-applied-configuration", None)
    texts = frozenset(_texts(body)) if annotations else frozenset[str]()
    redactor = Redactor(text for text in texts if len(text) >= _SHORT_WORD)
    kept = {
        name: text
        for name, text in annotations.items()
        if len(text) <= _LONG_ANNOTATION and (text in _public(body) or not _reveals(text, texts, redactor))
    }
    more = {"labels": _strings(metadata.get("labels")), "annotations": kept}
    return {**_shaped(metadata, _METADATA), **{name: found for name, found in more.items() if found}}


def _reveals(annotation: str, texts: frozenset[str], redactor: Redactor) -> bool:
    """Tell whether an annotation is a value, holds one, or quotes a part of one that is too long for chance."""
    packed = re.findall(r"[A-Za-z\d+/]{16,}={0,2}", annotation)
    said = (annotation, *(plain for word in packed if (plain := _text(_decoded(word, base64=True)))))
    parts = {text[at : at + _LONG_PART] for text in said for at in range(len(text) - _LONG_PART + 1)}
    quoted = any(part in text for text in texts for part in parts)
    return quoted or annotation in texts or redactor.text(annotation) != annotation


def _entries(body: Mapping[Any, Any]) -> Iterator[tuple[str, object, bool]]:
    """Yield each key, its value as written and whether that is base64: stringData wins, as in the API server."""
    plain, data = _mapping(body.get("stringData")), _mapping(body.get("data"))
    yield from ((_word(key), raw, True) for key, raw in data.items() if key not in plain)
    yield from ((_word(key), raw, False) for key, raw in plain.items())


def _decoded(raw: object, base64: bool) -> bytes | None:
    """Return the bytes of a value as written, or None when it is no base64, or not even a string."""
    if raw is None or not isinstance(raw, str):
        return b"" if raw is None else None
    if not base64:
        return raw.encode("utf-8", "surrogatepass")
    # The API server takes line breaks in base64, and nothing else.
    packed = re.sub(r"[\r\n]", "", raw)
    try:
        # Strict as it says it is, it does not count the padding.
        return binascii.a2b_base64(packed, strict_mode=True) if len(packed) % 4 == 0 else None
    except ValueError:
        return None


def _text(value: bytes | None) -> str | None:
    try:
        text = (value or b"").decode()
    except UnicodeDecodeError:
        return None
    return None if value is None or re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", text) else text


def _texts(body: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the values as text, the longer lines of each, and what is a credential within it; of any length."""
    said = [
        leaf for name in ("data", "stringData") for _, leaf in _leaves(body.get(name)) if not _mapping(body.get(name))
    ]
    for _, raw, base64 in _entries(body):
        if not (isinstance(raw, str) and raw.startswith(_SOPS)):
            text = _text(_decoded(raw, base64))
            # What cannot be read as text may still be quoted as it was written.
            said += [text] if text is not None else [leaf for _, leaf in _leaves(raw)]
    for text in said:
        yield from filter(None, _parts(text))


def _parts(text: str) -> Iterator[str]:
    lines = [line.strip() for line in text.splitlines()]
    # The frame of a PEM block is no secret, and tells the redactor where one is.
    longer = [line for line in lines if len(line) > _LONG_LINE and not line.startswith("-----")]
    yield from (text, text.strip(), *(longer if len(lines) > 1 else ()))
    for name, value in _pairs(text):
        if _CREDENTIAL.search(name):
            yield value
        if name == "auth" and (login := _decoded(value, base64=True)):
            yield from (login.decode(errors="replace"), login.decode(errors="replace").partition(":")[2])


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and texts of the fields of a JSON text, or of the ``name: text`` and ``name=text`` lines."""
    if (document := _json(text)) is not None:
        yield from _leaves(document)
        return
    for line in text.splitlines():
        name, _, value = line.partition(":") if re.match(r"[\s\"'\w.-]*:", line) else line.partition("=")
        name, value = name.strip().removeprefix("- ").strip(" \t\"'"), value.strip()
        # What follows a # may be a comment or part of a password.
        yield from ((name, said.strip("\"'")) for said in {value, value.partition(" #")[0].rstrip()})


def _leaves(value: object) -> Iterator[tuple[str, str]]:
    """Yield the texts and numbers of a structure with the names of their fields; neither depth nor aliases of YAML hurt."""
    waiting: list[tuple[str, object]] = [("", value)]
    seen: set[int] = set()
    while waiting:
        name, found = waiting.pop()
        if isinstance(found, Mapping | list | tuple) and id(found) not in seen:
            seen.add(id(found))
            items = found.items() if isinstance(found, Mapping) else ((name, item) for item in found)
            waiting.extend((_word(key), item) for key, item in items)
        elif isinstance(found, str | int | float) and not isinstance(found, bool):
            yield name, _word(found)


def _word(value: object) -> str:
    return _safely(str, value) or ""  # Python refuses to write numbers of thousands of digits


def _json(text: str) -> Any:
    """Return the object or list that a text is in JSON, or None."""
    return _safely(json.loads, text) if text.lstrip().startswith(("{", "[")) else None


def _told(body: Mapping[Any, Any]) -> dict[str, object]:
    return {key: _fact(raw, base64, body.get("type") == _RELEASE) for key, raw, base64 in _entries(body)}


def _fact(raw: object, base64: bool, release: bool) -> dict[str, object]:
    value = _decoded(raw, base64)
    if isinstance(raw, str) and raw.startswith(_SOPS):
        return {"size": len(raw), "format": "sops ciphertext"}
    if value is None:
        return {"size": len(raw) if isinstance(raw, str) else 0, "format": "invalid base64"}
    found = {"format": "release record"} if release and value else _format(value)
    return {"size": len(value), **found}


def _format(value: bytes) -> dict[str, object]:
    text = _text(value)
    if not value or text is None:
        return {"format": "binary" if value else "empty"}
    for name, read in _READERS.items():
        if (found := _safely(read, text)) is not None:
            return {"format": name, **found}
    return {"format": "multi-line text" if re.search(r"[\r\n]", text) else "text"}


def _blocks(text: str, ending: str) -> list[tuple[str, str]]:
    """Return the label and text of the PEM blocks with such a label; one without an end is cut at the next."""
    found = []
    for part in re.split(r"(?m)^-----BEGIN ", text)[1:]:
        label = part.partition("-----")[0]
        body, end, _ = part.partition(f"-----END {label}-----")
        if label.endswith(ending):
            found.append((label, f"-----BEGIN {body}{end}\n"))
    return found


def _private_key(text: str) -> dict[str, object] | None:
    for label, block in _blocks(text, "PRIVATE KEY"):
        ssh = label.startswith("OPENSSH")
        blob = _decoded(block.split("-----")[2], base64=True) or b"" if ssh else b""
        sealed = bool(re.match(rb"openssh-key-v1\0\0\0\0[^\4][a-z\d]", blob))  # a cipher, and not "none"
        sealed |= label.startswith("ENCRYPTED") or "Proc-Type: 4,ENCRYPTED" in block
        # In front of what is encrypted stands the name of the type, but not in PKCS #8.
        named = re.search(rb"ssh-(rsa|dss|ed25519)|(ecdsa)-sha2|BEGIN (RSA|DSA|EC) ", blob or block.encode())
        name = named[named.lastindex or 0].decode().lower() if named else "unknown"
        kind = (
            {"ec": "ecdsa", "dss": "dsa"}.get(name, name) if sealed else _safely(_key_type, block.encode()) or "unknown"
        )
        return {"format": f"{'OpenSSH' if ssh else 'PEM'} private key", "key_type": kind, "encrypted": sealed}
    return None


def _key_type(pem: bytes) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x448, x25519

    types: dict[str, type] = {
        "rsa": rsa.RSAPrivateKey, "ecdsa": ec.EllipticCurvePrivateKey, "ed25519": ed25519.Ed25519PrivateKey,
        "dsa": dsa.DSAPrivateKey, "ed448": ed448.Ed448PrivateKey, "x25519": x25519.X25519PrivateKey,
        "x448": x448.X448PrivateKey,
    }  # fmt: skip
    if pem.startswith(b"-----BEGIN OPENSSH"):
        key: Any = serialization.load_ssh_private_key(pem, None)
    else:
        # Whether its numbers are prime takes long to know, and is not told.
        key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    return next(name for name, kind in types.items() if isinstance(key, kind))


def _certificates(text: str) -> dict[str, object] | None:
    blocks = _blocks(text, "CERTIFICATE")
    read = [found for _, block in blocks if (found := _safely(_certificate, block.encode()))]
    # A server shows the first one, so that one's names count. Any that expires breaks the chain.
    _, names, own = read[0] if read else ("", [], False)
    expires = min((at for at, _, _ in read), default="")
    told = {"expires": expires, "names": names, "issuer_is_subject": own, "count": len(read)}
    return told if blocks else None


def _certificate(pem: bytes) -> tuple[str, list[str], bool]:
    from cryptography import x509

    found = x509.load_pem_x509_certificate(pem)
    try:
        alt = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = {*alt.get_values_for_type(x509.DNSName), *map(str, alt.get_values_for_type(x509.IPAddress))}
    except x509.ExtensionNotFound:
        names = set()
    expires = found.not_valid_after_utc.isoformat().replace("+00:00", "Z")
    return expires, sorted(names), found.issuer == found.subject


def _known_hosts(text: str) -> dict[str, object] | None:
    hosts: set[str] = set()
    prints: set[str] = set()
    hashed = 0
    for name, kind, key in (entry.groups() for line in text.splitlines() if (entry := _KNOWN_HOST.match(line))):
        blob = _decoded(key, base64=True) or b""
        if blob.startswith(len(kind).to_bytes(4) + kind.encode()):
            digest = binascii.b2a_base64(hashlib.sha256(blob).digest(), newline=False).decode().rstrip("=")
            prints.add(f"{kind} SHA256:{digest}")
            hashed += name.startswith("|")
            hosts.update(() if name.startswith("|") else name.split(","))
    return {"hosts": sorted(hosts), "hashed": hashed, "fingerprints": sorted(prints)} if prints else None


def _address(url: str, port: str = "") -> str:
    """Return host and port of a URL or address, or "" where that may be a part of a password."""
    authority, _, rest = re.sub(r"\A[\w+.-]+://", "", url).partition("/")
    address = "" if "@" in rest else re.split(r"[?#\s]", authority.rpartition("@")[2])[0]
    return address if not address or re.search(r":\d+\Z", address) else address + port


def _docker_config(text: str) -> dict[str, object] | None:
    config = _mapping(_json(text))
    auths = _mapping(config.get("auths", config))  # without auths: .dockercfg, the format before
    logins = [(_address(host), _mapping(login)) for host, login in auths.items()]
    if "auths" not in config and not (logins and all("auth" in login for _, login in logins)):
        return None
    able = {host for host, login in logins if login.get("auth") or (login.get("username") and login.get("password"))}
    return {"registries": sorted({host for host, _ in logins}), "with_credentials": sorted(able)}


def _kubeconfig(text: str) -> dict[str, object] | None:
    fields = set(_mapping(_json(text))) or set(re.findall(r"(?m)^[\"']?(\w+)[\"']?:", text))
    if not {"clusters", "users"} <= fields:
        return None
    pairs = list(_pairs(text))
    servers = {_address(url, ":80" if url.startswith("http:") else ":443") for name, url in pairs if name == "server"}
    command = min((text for name, text in pairs if name == "command"), default="")
    able = any(text and name in ("token", "password", "client-key-data") for name, text in pairs)
    return {"servers": sorted(servers), "exec": command.rpartition("/")[2], "has_credentials": able}


def _age(text: str) -> dict[str, object] | None:
    keys = re.findall(r"(?m)^AGE-SECRET-KEY-\S+", text)
    return {"recipients": sorted({r for key in keys if (r := _safely(_recipient, key))})} if keys else None


def _recipient(identity: str) -> str:
    """Return the public key of an X25519 identity, both in bech32 (BIP 173). Raises ValueError where it is none."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    prefix, _, encoded = identity.lower().rpartition("1")
    groups = [_BECH32.index(char) for char in encoded]
    if prefix != "age-secret-key-" or _checksum(prefix, groups) != 1:
        raise ValueError("not an X25519 identity")
    number = int("".join(f"{group:05b}" for group in groups[:-6])[:256], 2)
    public = X25519PrivateKey.from_private_bytes(number.to_bytes(32)).public_key().public_bytes_raw()
    bits = "".join(f"{byte:08b}" for byte in public) + "0000"
    groups = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    check = _checksum("age", [*groups, *[0] * 6]) ^ 1
    return "age1" + "".join(_BECH32[group] for group in (*groups, *(check >> at & 31 for at in range(25, -1, -5))))


def _checksum(prefix: str, groups: list[int]) -> int:
    state = 1
    for value in (*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *groups):
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= generator if top >> bit & 1 else 0
    return state


#: What reads a format: what else is told of it, or None where it is another. Secret ones come first.
_READERS: Final[dict[str, Callable[[str], dict[str, object] | None]]] = {
    "sops ciphertext": lambda text: {} if _SOPS in text else None,
    "PEM private key": _private_key,
    "PGP private key": lambda text: {} if _blocks(text, "PGP PRIVATE KEY BLOCK") else None,
    "age identity": _age,
    "PEM certificate": _certificates,
    "PEM public key": lambda text: {} if _blocks(text, "PUBLIC KEY") else None,
    "PGP public key": lambda text: {} if _blocks(text, "PGP PUBLIC KEY BLOCK") else None,
    "known_hosts": _known_hosts,
    "docker config": _docker_config,
    "kubeconfig": _kubeconfig,
    "JSON": lambda text: {} if _json(text) is not None else None,
}
