# docker build -t workbook . && docker run --rm -p 8888:8888 workbook
# Works as root, and with --user 1000 (or any other).
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /workbook
COPY . .
RUN make setup TORCH_INDEX=https://download.pytorch.org/whl/cpu && chmod -R a+rwX .
EXPOSE 8888
CMD ["make", "lab", "LAB_OPTIONS=--ip=0.0.0.0 --no-browser"]
