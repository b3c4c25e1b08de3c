# deskclerk's HTTP face in a container: docker build -t deskclerk .
# It holds no key and no token: both come from the environment of the container. See docs/packaging.md.
# For a hosted desk: docker build --build-arg REQUIREMENTS=hosted -t deskclerk-hosted .
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ARG REQUIREMENTS=run
WORKDIR /source
COPY requirements/${REQUIREMENTS}.txt requirements/
RUN python -m venv /deskclerk \
 && /deskclerk/bin/pip install --no-cache-dir --require-hashes --requirement requirements/${REQUIREMENTS}.txt
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY docs docs
COPY src src
RUN /deskclerk/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="deskclerk" \
      org.opencontainers.image.description="A Clerk instance for AI agents over MCP; a person signs every write." \
      org.opencontainers.image.licenses="MIT"
RUN useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin deskclerk
COPY --from=build /deskclerk /deskclerk
ENV PATH=/deskclerk/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DESKCLERK_HOME=/data
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8765
# Alive is whoever answers over HTTP: without a token that answer is 401.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8765, timeout=3); \
c.request('GET', '/mcp'); raise SystemExit(c.getresponse().status >= 500)"]
ENTRYPOINT ["deskclerk"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8765"]
