"""What was approved is done on the stage, and what came of it: output, evidence, advice."""
