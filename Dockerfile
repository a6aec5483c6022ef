# The origin with every extra, alone; compose.yaml puts it behind nginx with everything it can talk to.

FROM python:3.11-slim-bookworm AS build
RUN python -m venv /opt/origin
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements-all.lock ./
RUN /opt/origin/bin/pip install --require-hashes -r requirements-all.lock
COPY pyproject.toml README.md LICENSE ./
COPY urlspec urlspec
COPY origin origin
RUN /opt/origin/bin/pip install --no-deps .

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libjemalloc2 fontconfig fonts-dejavu-core fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin origin \
    && install -d -o origin -g origin /data
COPY --from=build /opt/origin /opt/origin

# jemalloc gives memory back; without it a server that renders for days grows.
ENV PATH=/opt/origin/bin:$PATH \
    LD_PRELOAD=libjemalloc.so.2 \
    MALLOC_CONF=dirty_decay_ms:1000,muzzy_decay_ms:0 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/data/.cache \
    ORIGIN_HOST=0.0.0.0 \
    ORIGIN_PORT=8000 \
    ORIGIN_DATA_DIR=/data \
    ORIGIN_ACCEPT=jpeg,png,webp,gif,avif,tiff,heic,jxl,pdf,bmp,ico

# The only place it writes to: run with --read-only --tmpfs /tmp.
VOLUME /data
EXPOSE 8000
USER origin
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['ORIGIN_PORT'] + '/healthz', timeout=2)"]
CMD ["origin", "serve"]
