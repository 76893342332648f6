"""Converts bytes into facts: YAML documents, Kubernetes objects, Secrets, ignore files and file trees. It does no I/O.

The path of a file or object through the package:

1. ``documents`` parses YAML as Kubernetes and Flux do. ``places`` records where each field is in the text.
2. ``objects`` converts raw objects into resources and events. This is the point where Secrets stop: ``secrets``
   replaces the data of each Secret by facts about it (size, format, expiry date), and ``redact`` removes the
   values of all Secrets from every other object of the same cluster.
3. ``masking`` does the same for the files of a git tree, without changing any line number. ``tree`` combines masking,
   ``ignore`` (``.sourceignore``) and lazy parsing into one Tree.

4. ``secret_places`` finds the values of Secrets in any document. ``token_shapes``, ``named_values`` and ``urls`` find what
   looks like a credential, and ``encodings`` knows how a value is written. ``credentials`` remembers what is sent.

``secret_entries``, ``secret_formats`` and ``secret_values`` read the values. They leave this package only through
``vault``, and only for collectors that log in with them.
"""
