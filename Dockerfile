FROM python:3.13-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg tini \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt .
# ffmpeg comes from Debian here, so the one from PyPI is not needed.
RUN sed '/^imageio-ffmpeg/d' requirements.txt > /tmp/requirements.txt \
    && pip install --no-cache-dir -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY . .
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin bot \
    && chmod -R a+rX /app \
    && install --directory --mode 700 --owner bot --group bot data sessions
USER bot
VOLUME ["/app/data", "/app/sessions"]

# The bot touches this file as long as Telegram answers it.
HEALTHCHECK --interval=60s --timeout=5s --start-period=90s \
    CMD find /app/data/heartbeat -mmin -3 | grep -q .

# tini adopts and reaps what a killed process leaves behind; workers end by themselves.
ENTRYPOINT ["tini", "--"]
CMD ["python", "run.py"]
