"""Credentials behind their name, and in URLs, are masked; sentences that only speak of a credential stay as they are."""

from __future__ import annotations

import pytest

from fluxdoctor.intake.redact import Redactor


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=hunter2 user=x", "password=[redacted] user=x"),
        ("password=a;b,c d", "password=[redacted] d"),
        ("Server=db;Password=hunter;Database=x", "Server=db;Password=[redacted];Database=x"),
        ("password: hunter2", "password: [redacted]"),
        ("user: me\npassword: hunter\nhost: x", "user: me\npassword: [redacted]\nhost: x"),
        ('{"password": "correct horse", "a": 1}', '{"password": "[redacted]", "a": 1}'),
        (r'"{\"token\":\"hunter\"}"', r'"{\"token\":\"[redacted]\"}"'),
        ("map[password:hunter user:x]", "map[password:[redacted] user:x]"),
        ("map[Password:[hunter] User:[x]]", "map[Password:[[redacted]] User:[x]]"),
        ("dbPassword=hunter", "dbPassword=[redacted]"),
        ("SPRING_DATASOURCE_PASSWORD=hunter", "SPRING_DATASOURCE_PASSWORD=[redacted]"),
        ("--password=hunter --x", "--password=[redacted] --x"),
        ("--password hunter2 --x", "--password [redacted] --x"),
        ("--set-string=auth.password=hunter", "--set-string=auth.password=[redacted]"),
        ("curl -u me:hunter https://x.test", "curl -u me:[redacted] https://x.test"),
        ("password%3Dhunter", "password%3D[redacted]"),
        ("X-Vault-Token: hunter", "X-Vault-Token: [redacted]"),
        ("private-token: hunter", "private-token: [redacted]"),
        ("Set-Cookie: session=hunter; Path=/", "Set-Cookie: [redacted]"),
        ('"auth": "aHVudGVy"', '"auth": "[redacted]"'),
        ("identitytoken: 0123456789abcdef", "identitytoken: [redacted]"),
        ("secret=0123456789abcdef0123 x", "secret=[redacted] x"),
        ("https://x.test/a?page=2&access_token=hunter&b=c", "https://x.test/a?page=2&access_token=[redacted]&b=c"),
        ("https://x.test/a?b=c&amp;sig=hunter", "https://x.test/a?b=c&amp;sig=[redacted]"),
        (r"https://x.test/a?b=c\u0026sig=hunter", r"https://x.test/a?b=c\u0026sig=[redacted]"),
        ("https://x.test/a?access%5Ftoken=hunter", "https://x.test/a?access%5Ftoken=[redacted]"),
        ("https://x.test/a?X-Amz-Date=1&X-Amz-Signature=hunter", "https://x.test/a?X-Amz-Date=1&X-Amz-Signature=[redacted]"),
        ("https://x.test/a#access_token=hunter", "https://x.test/a#access_token=[redacted]"),
        ('Post "https://hooks.slack.com/services/T0/B0/x": 404', 'Post "https://hooks.slack.com/services/[redacted]": 404'),
        ("see hooks.slack.com/services/T0/B0/x.", "see hooks.slack.com/services/[redacted]."),
        ("https://discord.com/api/v10/webhooks/1/x", "https://discord.com/api/v10/webhooks/[redacted]"),
        ("https://a.webhook.office.com/webhookb2/x/IncomingWebhook/y/z", "https://a.webhook.office.com/webhookb2/[redacted]"),
        ("https://a.logic.azure.com/workflows/x?sp=%2F&sig=hunter", "https://a.logic.azure.com/workflows/x?sp=%2F&sig=[redacted]"),
        ("https://chat.test/hooks/abcdefgh0123", "https://chat.test/hooks/[redacted]"),
    ],
)  # fmt: skip
def test_credentials(text: str, masked: str) -> None:
    assert Redactor().text(text) == masked
    assert Redactor().text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "failed to get secret 'shop/forge-token': secrets \"forge-token\" not found",
        "decryption failed for 'foo-token': failed to decrypt 'default/foo-token' Secret data",
        'Secret "db-password" not found', "secret=flux-system/git-auth is missing", "secretRef: s3-creds-2026",
        "password: authentication failed", "invalid token: unexpected end of JSON input", "the token: is missing",
        "spec.secretRef.name: Required value", "key: value", "key=app.kubernetes.io/name", "code=404", "keys: username, password",
        "Secret/shop/login has no key password; did you mean passwrod?", "error: --token flag is required", "PWD=/work/repo",
        "password=${DB_PASSWORD}", "password: <nil>", "token=[redacted]", "password: $(cat /run/secrets/x)", "auth: basic",
        "https://x.test/a?page=2&key=short", "https://github.com/acme/fleet/hooks", "https://x.test/webhooks/deploy-prod",
        "https://slack.com/help?topic=webhooks", "passwordSecretName=x1", "tokenFile=/var/run/secrets/token",
        "serviceAccountToken 0 is bound", "authorization failed for https://x.test/v2/", "signature: not found", "cookies are off",
        "the Secret has no tls.key and no tls.crt", "no matching key: ssh-ed25519", "connection string is empty",
    ],
)  # fmt: skip
def test_what_speaks_of_a_credential_stays(text: str) -> None:
    assert Redactor().text(text) == text
