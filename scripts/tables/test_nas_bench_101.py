import base64
import json
import struct
import unittest

import nas_bench_101
import support

# What the official model_metrics_pb2 makes of a training of 108 epochs, and what it holds.
OFFICIAL = (
    "Ci8JAAAAAAAAAAARAAAAAAAAAAAZyMRJtIpCyz8hAzVUBa5K6D8poQcGJuk04z8yAAowCQAAAAAAAEtAEY5Kn7wOSXpAGdD3tdoUj9c/ISxL6bg7"
    "x9U/KQir4XFFo9I/MgF4CjAJAAAAAAAAW0ARsf53zFsbi0AZsT8eK9NT4z8hcEXcyq+J7j8pG4b0yXlk7D8yAXgQjLmkARkAM6qiibjFPw=="
)
OFFICIAL_END = {2: 867.4198235869027, 4: 0.9543074571721899, 5: 0.8872651047169627}
OFFICIAL_PARAMETERS = 2694284

INCEPTION = "0111010" + "0000001" * 2 + "0000100" + "0000001" * 2 + "0000000"
INCEPTION_OPS = "input,conv1x1-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,maxpool3x3,output"
SMALL, SMALL_OPS = "0110001100010000", "input,conv3x3-bn-relu,maxpool3x3,output"
# The module whose input is its output.
LEAST, LEAST_OPS = "0100", "input,output"


def varint(value):
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])


def message(parameters, *evaluations):
    result = b""
    for numbers in evaluations:
        body = b"".join(bytes([field << 3 | 1]) + struct.pack("<d", value) for field, value in enumerate(numbers, 1))
        body += b"\x32\x04path"
        result += b"\x0a" + varint(len(body)) + body
    return result + b"\x10" + varint(parameters) + b"\x19" + struct.pack("<d", 1.0)


def training(name, epochs, adjacency, operations, parameters, validation, test, seconds):
    evaluations = [
        (0.0, 0.0, 0.1, 0.1, 0.1),
        (epochs / 2, seconds / 2, 0.5, 0.5, 0.5),
        (float(epochs), seconds, 1.0, validation, test),
    ]
    raw = base64.b64encode(message(parameters, *evaluations)).decode()
    return json.dumps([name, epochs, adjacency, operations, raw]).encode()


def record(data):
    length = struct.pack("<Q", len(data))
    crc = nas_bench_101.masked_crc
    return length + struct.pack("<I", crc(length)) + data + struct.pack("<I", crc(data))


RECORDS = [
    training("0a" * 16, 108, INCEPTION, INCEPTION_OPS, 2694282, 0.9365985, 0.9308894, 1156.5),
    training("0b" * 16, 108, SMALL, SMALL_OPS, 3207690, 0.91, 0.9, 800.25),
    training("0a" * 16, 108, INCEPTION, INCEPTION_OPS, 2694282, 0.9364, 0.931, 1157.0),
    training("0a" * 16, 4, INCEPTION, INCEPTION_OPS, 2694282, 0.6, 0.59, 43.5),
    training("0c" * 16, 108, LEAST, LEAST_OPS, 42, 0.3, 0.29, 100.0),
]


class Test(support.ConverterTest):
    def file(self, data):
        path = self.folder / "nasbench.tfrecord"
        path.write_bytes(data)
        return path

    def test_each_training_is_a_row(self):
        path = self.file(b"".join(map(record, RECORDS)))
        rows, said = self.convert(nas_bench_101.main, path, "--check")
        self.assertIn("5 trainings of 3 architectures", said)
        of_rows = [(row["epoch"], row["seed"], row["parameters"]) for row in rows]
        expected = [
            ("108", "0", "2694282"),
            ("108", "0", "3207690"),
            ("108", "1", "2694282"),
            ("4", "0", "2694282"),
            ("108", "0", "42"),
        ]
        self.assertEqual(of_rows, expected)
        measured = [rows[0][name] for name in ("validation_accuracy", "test_accuracy", "training_time")]
        self.assertEqual(measured, ["0.9365985", "0.9308894", "1156.5"])
        architecture = json.loads(rows[1]["architecture"])
        matrix = [[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
        self.assertEqual(architecture, {"matrix": matrix, "ops": SMALL_OPS.split(",")})

    def test_rows_are_imported(self):
        self.convert(nas_bench_101.main, self.file(b"".join(map(record, RECORDS))))
        said = self.import_table("--space", "nas-bench-101")
        self.assertIn("3 architectures of nas-bench-101, up to 2 trainings of each", said)

    def test_messages_of_the_official_code_are_read(self):
        parameters, end = nas_bench_101.metrics(base64.b64decode(OFFICIAL))
        self.assertEqual(parameters, OFFICIAL_PARAMETERS)
        self.assertEqual({field: end[field] for field in OFFICIAL_END}, OFFICIAL_END)

    def test_checksums_are_those_of_the_format(self):
        # RFC 3720 gives the CRC-32C of 32 zeros.
        crc = 0x8A9136AA
        self.assertEqual(nas_bench_101.masked_crc(bytes(32)), (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF)

    def test_other_files_are_refused(self):
        said = self.refuse(nas_bench_101.main, self.file(b"architecture,epoch,seed\n"))
        self.assertIn("it is no TFRecord file", said)
        said = self.refuse(nas_bench_101.main, self.file(record(b"an example of something else")))
        self.assertIn("record 1 is none of NAS-Bench-101", said)
        self.assertIn("no trainings", self.refuse(nas_bench_101.main, self.file(b"")))
        self.assertIn("No such file", self.refuse(nas_bench_101.main, self.folder / "missing"))

    def test_damage_is_found(self):
        data = b"".join(map(record, RECORDS))
        self.assertIn("record 5 is cut off", self.refuse(nas_bench_101.main, self.file(data[:-1])))
        self.assertIn("record 5 is cut off", self.refuse(nas_bench_101.main, self.file(data[:-len(record(RECORDS[4])) + 3])))
        other = record(RECORDS[0]).replace(b"conv1x1", b"conv3x3")
        said = self.refuse(nas_bench_101.main, self.file(other), "--check")
        self.assertIn("record 1 does not match its checksum", said)

    def test_records_that_lack_something_are_refused(self):
        end = (108.0, 1.0, 1.0, 0.9, 0.9)
        for raw, problem in [
            (message(42, end, end), "lack evaluations"),
            (message(42, end, end, end[:3]), "lack field 4"),
            (message(42, end, end, end)[:-20], "cut off"),
        ]:
            row = [RECORDS[4][2:34].decode(), 108, LEAST, LEAST_OPS, base64.b64encode(raw).decode()]
            said = self.refuse(nas_bench_101.main, self.file(record(json.dumps(row).encode())))
            self.assertIn(problem, said)
        row = ["0c" * 16, 108, SMALL, LEAST_OPS, OFFICIAL]
        said = self.refuse(nas_bench_101.main, self.file(record(json.dumps(row).encode())))
        self.assertIn("does not fit its operations", said)


if __name__ == "__main__":
    unittest.main()
