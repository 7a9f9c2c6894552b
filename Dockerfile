# The server and its client in one small image.
#
#   docker build -t jsonvault .
#   docker run -d --name jsonvault -p 127.0.0.1:6379:6379 -v jsonvault-data:/data jsonvault
#   docker exec jsonvault client ping
#
# Three nodes that replicate each other: docker-compose-raft.yml. There is no TLS in this version: publish the port
# for clients to addresses that you trust, as the line above does, and the one for other nodes to nobody else. For a password:
# `-e JSONVAULT_REQUIREPASS`.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY benchmarks benchmarks
COPY sim sim
COPY src src
# The manifest names benchmarks and simulations, so they have to be there; only the two programs are built.
RUN cargo build --release --locked --bins

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="JsonVault" \
      org.opencontainers.image.description="JSON documents behind the Redis protocol, replicated by Raft" \
      org.opencontainers.image.licenses="Apache-2.0"
# A fixed number, so that whoever owns a mounted directory can be said from outside.
RUN groupadd --system --gid 10001 jsonvault \
 && useradd --system --uid 10001 --gid jsonvault --home-dir /data --shell /usr/sbin/nologin jsonvault \
 && install -d -o jsonvault -g jsonvault -m 0750 /data
COPY --from=build /build/target/release/server /build/target/release/client /usr/local/bin/
COPY LICENSE /usr/share/doc/jsonvault/LICENSE

USER 10001:10001
WORKDIR /data
VOLUME /data
# For clients, and for other nodes.
EXPOSE 6379 16379
# Every setting has a variable: see README.md. These make the server reachable and its data durable in here; the
# last is for the client of the health check and of `docker exec`. Protected mode serves this machine only, and to the server
# every client from outside the container is on another: what is published is decided by `docker run -p`.
ENV JSONVAULT_ADDRESS=0.0.0.0:6379 \
    JSONVAULT_PROTECTED_MODE=no \
    JSONVAULT_DIR=/data \
    JSONVAULT_SERVER=127.0.0.1:6379

# `ping` ends with 0 only when the server answers. It answers while a large log is still being read, and while there is
# no leader, too: to start the node again would help in neither case.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD JSONVAULT_PASSWORD="${JSONVAULT_PASSWORD:-$JSONVAULT_REQUIREPASS}" \
        client --connect-timeout 2 --timeout 3 ping

# SIGTERM has a leader hand over, lets each connection have its replies, closes the log and ends; nothing acknowledged
# depends on it.
STOPSIGNAL SIGTERM
ENTRYPOINT ["server"]
