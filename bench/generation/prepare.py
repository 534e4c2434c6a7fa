"""Writes what both sides generate from: the model of random weights of the M shape of ../shared/peer, and the prompts as tokens.

usage: python prepare.py PEER_FOLDER OUT MODEL|M COUNT
"""
import json
import os
import shutil
import sys

peer, out, model, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
sys.path.insert(0, peer)
from common import DATA, llama

QUESTIONS = [
    "Explain in simple words how a sailing boat can move against the wind, and why it needs a keel to do so.",
    "Write a short story about an old lighthouse keeper who finds a letter in a bottle on the first day of spring.",
    "What are the differences between a comet, an asteroid and a meteor? Give an example of each, please.",
    "My bread does not rise although the yeast is fresh. List the most likely reasons and what I can do about them.",
    "Describe the way of a parliamentary bill from its first reading to the day on which it becomes law.",
    "Which exercises help against pain in the lower back after a long day of sitting at a desk?",
    "Compare the climate of the Atlantic coast of Norway with that of Labrador, which lies further south.",
    "Give me a recipe for a vegetable soup for six people, with the amounts in grams and the time it takes.",
]

if model == "M":
    folder = os.path.join(out, "M")
    llama("M").save_pretrained(folder)
    shutil.copy(f"{DATA}/tokenizers/llama2/tokenizer.json", folder)
else:
    folder = model

from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
prompts = [tokenizer.encode(question).ids for question in QUESTIONS[:count]]
with open(os.path.join(out, "prompts.json"), "w", encoding="utf8") as file:
    json.dump(dict(folder=folder, prompts=prompts), file)
