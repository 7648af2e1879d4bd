# A run as an API and a web page, on a CPU; docs/serving.md has the commands.
FROM python:3.12-slim

RUN useradd --uid 1000 --create-home segexp

WORKDIR /app
COPY constraints.txt ./
# The CPU builds of torch: a tenth of the size of those with CUDA. Apart, so that a change of the code fetches none anew.
RUN pip install --no-cache-dir --constraint constraints.txt --extra-index-url https://download.pytorch.org/whl/cpu \
    torch torchvision

COPY pyproject.toml README.md LICENSE ./
COPY conf conf
COPY hydra_plugins hydra_plugins
COPY segexp segexp
RUN pip install --no-cache-dir --constraint constraints.txt '.[serve,cloud]'

# By number, which Kubernetes needs to see that it is not root.
USER 1000
ENV SEGEXP_CACHE=/tmp/segexp
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz'); exit(c.getresponse().status != 200)"]

ENTRYPOINT ["python", "-m", "segexp.serve", "host=0.0.0.0"]
CMD ["run=/mnt/run", "data=null"]
