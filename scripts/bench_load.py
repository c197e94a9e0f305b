"""Called by scripts/bench_models: python bench_load.py load FOLDER THREADS BATCHES MULTIVIZ

Writes a BERT with 1 GB of random weights in every container and measures MULTIVIZ's loading them."""

import json
import pathlib
import subprocess
import sys

import torch
import transformers
from safetensors.torch import save_file

folder, multiviz = pathlib.Path(sys.argv[2]), sys.argv[5]
config = transformers.BertConfig(hidden_size=1024, num_hidden_layers=18, num_attention_heads=16,
                                 intermediate_size=4096)
weights = transformers.BertModel(config).state_dict()
writers = {
    "safetensors": lambda path: save_file(weights, path / "model.safetensors"),
    "torch.save": lambda path: torch.save(weights, path / "pytorch_model.bin"),
    "torch.save before 1.6": lambda path: torch.save(weights, path / "pytorch_model.bin",
                                                     _use_new_zipfile_serialization=False)
}
for name, write in writers.items():
    path = folder / name.replace(" ", "_")
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps(config.to_dict()))
    write(path)
    size = sum(file.stat().st_size for file in path.iterdir())
    runs = []
    for _ in range(3):
        out = subprocess.run([multiviz, pathlib.Path(__file__).parent / "bench_load.lua", path, str(size)],
                             capture_output=True, text=True, check=True).stdout
        runs.append([float(number) for number in out.split()])
    print(f"load         {name}: {size / 1e9:.2f} GB in {min(run[0] for run in runs):.3f} s, peak memory "
          f"{max(run[1] for run in runs):.2f} x the file", flush=True)
    for file in path.iterdir():
        file.unlink()
