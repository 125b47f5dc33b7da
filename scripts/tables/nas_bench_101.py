"""Converts NAS-Bench-101's official file to a CSV file for `archwright table import`.

    python scripts/tables/nas_bench_101.py nasbench_only108.tfrecord nas-bench-101.csv
    archwright table import nas-bench-101.csv --space nas-bench-101

INPUT is one of the two files of Ying et al. 2019 (arXiv:1902.09635), published at
https://github.com/google-research/nasbench under "Download the dataset":

    nasbench_only108.tfrecord   499 MB, trainings of 108 epochs
    nasbench_full.tfrecord      1.95 GB, trainings of 4, 12, 36 and 108 epochs

Neither TensorFlow nor any other package is needed. Each row is a training:

    architecture         JSON with `matrix` and `ops`, pruned as the benchmark has it
    seed                 number of the training, from 0, among those of this architecture with as many epochs:
                         the benchmark has three of each, and no seeds
    epoch                epochs of the training. Each length was trained from scratch, with a learning rate that falls
                         to zero at its own end: rows with fewer epochs are no part of a longer training
    validation_accuracy  at the end of the training, on 10,000 images held out of CIFAR-10's training set
    test_accuracy        at the end of the training, on CIFAR-10's 10,000 test images
    training_time        seconds of training, without evaluations
    parameters           trainable parameters

The measurements in the middle and at the start of a training are left out.
"""

import base64
import binascii
import json
import math
import struct
import sys

import common

HEADERS = ["architecture", "seed", "epoch", "validation_accuracy", "test_accuracy", "training_time", "parameters"]

# Field numbers of the messages ModelMetrics and EvaluationData.
EVALUATION_DATA, TRAINABLE_PARAMETERS = 1, 2
TRAINING_TIME, VALIDATION_ACCURACY, TEST_ACCURACY = 2, 4, 5
# Evaluations of a training: at its start, its half and its end.
END = 2

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def masked_crc(data):
    """The checksum of TFRecord files: CRC-32C, rotated, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF


def records(file, check):
    """The records of a TFRecord file; with `check`, of a file whose records are all intact."""
    number = 0
    while head := file.read(12):
        number += 1
        if len(head) < 12:
            raise common.Problem(f"record {number} is cut off: the file is incomplete")
        length, length_crc = struct.unpack("<QI", head)
        if masked_crc(head[:8]) != length_crc:
            what = "it is no TFRecord file" if number == 1 else "the file is damaged"
            raise common.Problem(f"the length of record {number} does not match its checksum: {what}")
        data, tail = file.read(length), file.read(4)
        if len(data) < length or len(tail) < 4:
            raise common.Problem(f"record {number} is cut off: the file is incomplete")
        if check and masked_crc(data) != struct.unpack("<I", tail)[0]:
            raise common.Problem(f"record {number} does not match its checksum: the file is damaged")
        yield number, data


def fields(message):
    """Numbers and values of a protocol buffer's fields, as they are on the wire."""
    at = 0

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            if at >= len(message) or shift > 63:
                raise ValueError("a number of the metrics is cut off")
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def take(length):
        nonlocal at
        if at + length > len(message):
            raise ValueError("a field of the metrics is cut off")
        at += length
        return message[at - length : at]

    while at < len(message):
        key = varint()
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            yield number, varint()
        elif kind == EIGHT_BYTES:
            yield number, struct.unpack("<d", take(8))[0]
        elif kind == BYTES:
            yield number, take(varint())
        elif kind == FOUR_BYTES:
            yield number, struct.unpack("<f", take(4))[0]
        else:
            raise ValueError(f"the metrics have a field of the unknown kind {kind}")


def metrics(message):
    """The parameters, and the fields of the evaluation at the end of the training."""
    evaluations, parameters = [], None
    for number, value in fields(message):
        if number == EVALUATION_DATA:
            evaluations.append(value)
        elif number == TRAINABLE_PARAMETERS:
            parameters = value
    if len(evaluations) <= END or parameters is None:
        raise ValueError("the metrics lack evaluations or the number of parameters")
    return parameters, dict(fields(evaluations[END]))


def architecture(adjacency, operations):
    """An architecture as JSON, of the digits of its matrix, row by row, and its labels with commas between."""
    labels = operations.split(",")
    size = math.isqrt(len(adjacency))
    if size != len(labels) or size * size != len(adjacency) or set(adjacency) - {"0", "1"}:
        raise ValueError(f"its matrix `{adjacency}` does not fit its operations `{operations}`")
    matrix = [[int(digit) for digit in adjacency[row * size : (row + 1) * size]] for row in range(size)]
    return json.dumps({"matrix": matrix, "ops": labels}, separators=(",", ":"))


def convert(arguments):
    # One module has one notation, even where the file should give it several.
    notations, trainings = {}, {}
    with open(arguments.input, "rb") as file, common.table(arguments.output, HEADERS) as rows:
        for number, data in records(file, arguments.check):
            try:
                name, epochs, adjacency, operations, raw = json.loads(data)
                parameters, end = metrics(base64.b64decode(raw, validate=True))
                module = bytes.fromhex(name)
                if module not in notations:
                    notations[module] = architecture(adjacency, operations)
                seed = trainings.get((module, epochs), 0)
                trainings[module, epochs] = seed + 1
                rows.write(
                    architecture=notations[module],
                    seed=seed,
                    epoch=epochs,
                    validation_accuracy=end[VALIDATION_ACCURACY],
                    test_accuracy=end[TEST_ACCURACY],
                    training_time=end[TRAINING_TIME],
                    parameters=parameters,
                )
            except KeyError as field:
                raise common.Problem(f"record {number}: the metrics lack field {field}") from None
            except (ValueError, TypeError, AttributeError, binascii.Error) as problem:
                raise common.Problem(f"record {number} is none of NAS-Bench-101: {problem}") from None
    return f"{rows.count} trainings of {len(notations)} architectures"


def main(arguments=None):
    parser = common.parser(__doc__)
    parser.add_argument(
        "--check", action="store_true", help="verify the checksum of every record, too, which takes twice as long"
    )
    return common.run(convert, parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
