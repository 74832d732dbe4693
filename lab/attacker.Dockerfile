# The attacker's tools, on the network where there is nothing but the shop.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 curl sqlmap dirb gobuster ffuf wapiti hydra nmap whatweb \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home attacker
USER attacker
WORKDIR /home/attacker
CMD ["sleep", "infinity"]
