# The verbs of the house. `just` alone lists them; CI runs `.ci/run`, which does what `check` does on a bare machine.

export CARGO_INCREMENTAL := env_var_or_default("CARGO_INCREMENTAL", "0")

_list:
    @just --list --unsorted

# All that a change must pass, in the order that fails fastest.
check: fmt-check lint test docs deny

# Write the house style into every file.
fmt:
    cargo fmt --all

[private]
fmt-check:
    cargo fmt --all --check

# Clippy with the workspace's lint table; a warning is an error.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Every test; a test that lacks a server it needs says so and passes, unless GODWIT_REQUIRE_… is set.
test *arguments:
    cargo test --workspace {{ arguments }}

# Bring the clients of others that tests/stock talks with, into target/stock.
stock:
    tests/stock/install

# The documentation of the code, with broken links as errors.
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Licences, sources, advisories, and the graph of who may depend on whom.
deny:
    cargo deny check

# Start the platform in ./godwit-data.
run *arguments:
    cargo run --bin godwit -- serve {{ arguments }}

# Watch three people, a group and a killed server.
demo:
    cargo run --bin godwit -- demo

# Install Debian's servers if this is root, compare with all that are there in turns, and write tables and plots into docs/benchmarks.md; FOLDER is new, on a real disk.
bench-compare folder *arguments:
    bench/peers
    cargo build --release -p godwit-server -p godwit-bench
    target/release/godwit-bench compare --folder {{ folder }} --write docs/benchmarks.md {{ arguments }}

# One load against a server that runs already, such as `just bench --godwit godwit-data --pid 42 chat --rate 5000`.
bench *arguments:
    cargo run --release -p godwit-bench -- run {{ arguments }}

# Install the yardstick that Debian does not have, for bench-compare. Not `--locked`: it names a package that no longer compiles.
bench-rumqttd:
    cargo install rumqttd --version 0.20.0 --root target/tools
