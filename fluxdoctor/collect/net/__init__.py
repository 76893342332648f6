"""How hosts are asked: addresses, TLS, HTTP, deadlines and child processes. Knows no Secret and no Flux object."""
