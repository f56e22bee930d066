"""A second stand-in for AiHummer, which words, names and places everything otherwise than the sandbox.

It shares no code with the sandbox, nor with the product: what works on both depends on neither's ways.
"""
