# The server and its client in one small image.
#
#   docker build -t jsonvault .
#   docker run -d --name jsonvault -p 127.0.0.1:6379:6379 -v jsonvault-data:/data jsonvault
#   docker exec jsonvault client ping
#
# docker-compose-raft.yml runs a cluster of three. This version has no TLS: publish the port for clients to addresses that
# you trust, as the line above does, and the port for other nodes to the nodes only. `-e JSONVAULT_REQUIREPASS` sets a
# password.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY benchmarks benchmarks
COPY sim sim
COPY src src
COPY vendor vendor
# The manifest names the benchmarks and the simulation, so cargo wants their files; only the two programs are built.
RUN cargo build --release --locked --bins

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="JsonVault" \
      org.opencontainers.image.description="A replicated JSON store that speaks the Redis protocol" \
      org.opencontainers.image.licenses="Apache-2.0"
# A fixed id, so that the host can give a mounted directory to this user.
RUN groupadd --system --gid 10001 jsonvault \
 && useradd --system --uid 10001 --gid jsonvault --home-dir /data --shell /usr/sbin/nologin jsonvault \
 && install -d -o jsonvault -g jsonvault -m 0750 /data
COPY --from=build /build/target/release/server /build/target/release/client /usr/local/bin/
COPY LICENSE /usr/share/doc/jsonvault/LICENSE

USER 10001:10001
WORKDIR /data
VOLUME /data
# The port for clients, and the port for other nodes.
EXPOSE 6379 16379
# docs/configuration.md lists the variable of every setting. Those below make the server reachable and keep its data in the
# volume; JSONVAULT_SERVER is for the client in the health check and in `docker exec`. Protected mode would refuse every
# client outside the container; `docker run -p` decides who reaches the port instead.
ENV JSONVAULT_ADDRESS=0.0.0.0:6379 \
    JSONVAULT_PROTECTED_MODE=no \
    JSONVAULT_DIR=/data \
    JSONVAULT_SERVER=127.0.0.1:6379

# `ping` succeeds while a large log is being read and while there is no leader: a restart would help in neither case.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD JSONVAULT_PASSWORD="${JSONVAULT_PASSWORD:-$JSONVAULT_REQUIREPASS}" \
        client --connect-timeout 2 --timeout 3 ping

# On SIGTERM a leader hands leadership over, each connection gets its replies, and the log is closed. Acknowledged writes
# survive without a clean stop too.
STOPSIGNAL SIGTERM
ENTRYPOINT ["server"]
