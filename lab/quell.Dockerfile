# Quell for the compose lab. Build it from the root of the project: docker build -f lab/quell.Dockerfile .
FROM rust:1.95-bookworm AS build
WORKDIR /quell
COPY . .
RUN cargo build --locked --release -p quell

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
COPY --from=build /quell/target/release/quell /usr/bin/quell
RUN install -d -m 0700 /var/lib/quell && install -d -m 0755 /var/log/quell
VOLUME ["/var/lib/quell", "/var/log/quell"]
ENTRYPOINT ["/usr/bin/quell"]
CMD ["run"]
