"""Called by scripts/bench_models: python bench_models.py MODEL FOLDER THREADS BATCHES

Saves a full-size model with random weights and its inputs in FOLDER, and the seconds that PyTorch takes in
FOLDER/seconds.txt: batch, forward, forward and backward."""

import json
import pathlib
import sys
import time

import torch
import transformers
from safetensors.torch import save_file

kind, folder, threads, batches = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(",")
torch.set_num_threads(threads)
torch.manual_seed(0)
WORDS = 16


def make():
    if kind == "vilt":
        return transformers.ViltForQuestionAnswering(transformers.ViltConfig(num_labels=3129))
    if kind == "clip":
        return transformers.CLIPModel(transformers.CLIPConfig())
    if kind == "lxmert":
        return transformers.LxmertForQuestionAnswering(transformers.LxmertConfig(num_qa_labels=3129))
    if kind == "mdetr":
        from bench_mdetr import Mdetr
        return Mdetr()
    sys.exit(f"there is no model '{kind}': vilt, clip, lxmert, mdetr")


def store(model):
    if kind != "mdetr":
        return model.save_pretrained(folder)
    folder.mkdir()
    save_file(model.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "mdetr", "backbone": "resnet101", "nheads": 8}))


def inputs(batch):
    if kind == "clip":
        return {"pixel_values": torch.randn(batch, 3, 224, 224), "input_ids": torch.randint(1, 49000, (batch, WORDS))}
    words = {"inputs_embeds": torch.randn(batch, WORDS, 768)}
    if kind == "mdetr":
        return words | {"pixel_values": torch.randn(batch, 3, 320, 480)}
    if kind == "vilt":
        return words | {"pixel_values": torch.randn(batch, 3, 384, 384)}
    return words | {"visual_feats": torch.rand(batch, 36, 2048), "visual_pos": torch.rand(batch, 36, 4)}


def score(out):
    if kind == "clip":
        return out.logits_per_image.diagonal().sum()
    if kind == "mdetr":
        return out[0][:, 1].sum()
    return (out.logits if kind == "vilt" else out.question_answering_score)[:, 1].sum()


def both(model, given, leaves):
    start = time.perf_counter()
    with torch.no_grad():
        model(**given)
    forward = time.perf_counter() - start
    live = given | {name: given[name].clone().requires_grad_() for name in leaves}
    start = time.perf_counter()
    torch.autograd.grad(score(model(**live)), [live[name] for name in leaves], allow_unused=True)
    return forward, time.perf_counter() - start


model = make().eval().requires_grad_(False)
store(model)
lines = []
for batch in map(int, batches):
    given = inputs(batch)
    leaves = [name for name in given if given[name].is_floating_point()]
    times = [both(model, given, leaves) for _ in range(5 if batch < 8 else 2)]
    lines.append(f"{batch} {min(t[0] for t in times)} {min(t[1] for t in times)}")
    saved = {"text": given["inputs_embeds"]} if "inputs_embeds" in given else {"text": torch.randn(batch, WORDS, 512)}
    saved["image"] = (torch.cat([given["visual_feats"], given["visual_pos"]], 2) if kind == "lxmert"
                      else given["pixel_values"])
    save_file(saved, folder / f"inputs{batch}.safetensors")
(folder / "seconds.txt").write_text("\n".join(lines) + "\n")
