# One image for web, feed, worker and the migration job: the platform gives the command.
#
#   docker build --target connector  -t connector .       what runs in every region
#   docker build --target simulators -t simulators .      EHR, MyChart and Microsoft, for compose.yaml and test stacks
#
# `make image-check` does what the build stages do without Docker. Nothing of the build is left in the images.

# Docker Hub's python:3.11.16-slim-bookworm, a multi-architecture index. The digest stands in public Dockerfiles of September
# to November 2026, in one cross-checked with docker-library/repo-info (2026-09-22); renew it monthly, for Debian's fixes:
#   docker buildx imagetools inspect python:3.11-slim-bookworm
FROM python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b AS base


# ---- the connector, into an environment without pip --------------------------------------------------------------
FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /opt/connector
COPY requirements.build.lock requirements.image.lock ./
RUN python -m pip install --require-hashes --only-binary :all: -r requirements.build.lock \
 && python -m pip --python /opt/connector/bin/python install --require-hashes --only-binary :all: -r requirements.image.lock
COPY pyproject.toml README.md LICENSE ./
COPY services/connector services/connector
# connector/web/runbooks is a link to them.
COPY docs/runbooks docs/runbooks
RUN python -m pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
 && python -m pip --python /opt/connector/bin/python install --no-deps --no-index --find-links /wheels teams-ehr-connector-kit


# ---- the same with the simulators and what sets a sandbox up ------------------------------------------------------
FROM base AS build-simulators
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python -m venv --without-pip /opt/connector
COPY requirements.build.lock requirements.simulators.lock ./
RUN python -m pip install --require-hashes --only-binary :all: -r requirements.build.lock \
 && python -m pip --python /opt/connector/bin/python install --require-hashes --only-binary :all: -r requirements.simulators.lock
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY docs/runbooks docs/runbooks
RUN python -m pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
 && python -m pip --python /opt/connector/bin/python install --no-deps --no-index --find-links /wheels teams-ehr-connector-kit


# ---- what both images stand on -------------------------------------------------------------------------------------
# HOME and gunicorn's files are in /tmp: nothing else is written, the root may be read-only. CONNECTOR_DATABASE_URL
# names the system's authorities (sslrootcert=/etc/ssl/certs/ca-certificates.crt): a base without them fails here.
FROM base AS runtime
RUN groupadd --gid 10001 connector \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin connector \
 && test -s /etc/ssl/certs/ca-certificates.crt \
 && python -m pip uninstall --yes --quiet --root-user-action ignore setuptools wheel pip
ENV PATH=/opt/connector/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
ARG VERSION=0.0.0 REVISION=unknown CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Teams EHR Connector Kit" \
      org.opencontainers.image.description="Starts Microsoft Teams virtual visits from inside the EHR" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11.16-slim-bookworm" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED"
WORKDIR /tmp


FROM runtime AS simulators
COPY --from=build-simulators /opt/connector /opt/connector
COPY scripts/compose_state.py /opt/kit/scripts/
COPY scripts/sandbox_parts /opt/kit/scripts/sandbox_parts
ENV PYTHONPATH=/opt/kit SIMULATOR_HOST=0.0.0.0
# The volume of compose.yaml takes its owner from here.
RUN install --directory --owner 10001 --group 10001 --mode 0700 /sandbox
EXPOSE 8441 8442 8443
USER 10001:10001
ENTRYPOINT ["python", "-m"]


# Last, so that a build without --target makes what production runs.
# Container Apps asks /healthz and /readyz by its own probes and ignores HEALTHCHECK; compose.yaml has its own.
FROM runtime AS connector
COPY --from=build /opt/connector /opt/connector
ENV CONNECTOR_BIND=0.0.0.0:8440 CONNECTOR_FEED_BIND=0.0.0.0:8444
EXPOSE 8440 8444
USER 10001:10001
ENTRYPOINT ["connector"]
CMD ["--help"]
