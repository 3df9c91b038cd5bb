"""Broken programs of compiled languages."""

# ruff: noqa: E501  # programs are quoted as they are
from case import Case

GO_MOD = "module example.com/shop\n\ngo 1.19\n"
GO_LIB = (
    "package price\n\nfunc Double(n int) int { return n + 2 }\n\nfunc At(list []int, i int) int { return list[i] }\n"
)
GO_TEST = """\
package price

import "testing"

func TestDouble(t *testing.T) {
	if got := Double(3); got != 6 {
		t.Errorf("Double(3) = %d, want 6", got)
	}
}

func TestTable(t *testing.T) {
	for _, c := range []struct {
		name string
		in, want int
	}{{"zero", 0, 0}, {"two", 2, 4}, {"ten or more", 10, 20}} {
		t.Run(c.name, func(t *testing.T) {
			if got := Double(c.in); got != c.want {
				t.Fatalf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestFine(t *testing.T) {}

func TestSkipped(t *testing.T) { t.Skip("later") }
"""
GO_FILES = {"go.mod": GO_MOD, "price/price.go": GO_LIB, "price/price_test.go": GO_TEST}


def go_test(name: str, options: str, files: dict[str, str], failure: str = "test") -> Case:
    return Case(
        f"go-test/{name}",
        f"go test {options} ./...".replace("  ", " "),
        failure,
        files,
        report=f"go test -json {options} ./... > $REPORT",
        format="go",
    )


PANIC = 'package price\n\nimport "testing"\n\nfunc TestAt(t *testing.T) {\n\tAt([]int{1}, 5)\n}\n\nfunc TestNever(t *testing.T) {}\n'
GO = [
    go_test("plain", "", GO_FILES),
    go_test("verbose", "-v", GO_FILES),
    go_test(
        "two-packages",
        "",
        GO_FILES
        | {
            "stock/stock.go": "package stock\n",
            "stock/stock_test.go": 'package stock\n\nimport "testing"\n\nfunc TestStock(t *testing.T) { t.Error("none left") }\n',
            "good/good.go": "package good\n",
            "good/good_test.go": 'package good\n\nimport "testing"\n\nfunc TestGood(t *testing.T) {}\n',
        },
    ),
    go_test("panic", "", GO_FILES | {"price/price_test.go": PANIC}),
    go_test(
        "many-lines",
        "",
        GO_FILES
        | {
            "price/price_test.go": 'package price\n\nimport "testing"\n\nfunc TestLog(t *testing.T) {\n\tt.Log("first")\n\tt.Errorf("several\\nlines\\nof text")\n\tt.Error("and another")\n}\n'
        },
    ),
    go_test(
        "timeout",
        "-timeout 1s",
        GO_FILES
        | {
            "price/price_test.go": 'package price\n\nimport (\n\t"testing"\n\t"time"\n)\n\nfunc TestSlow(t *testing.T) { time.Sleep(5 * time.Second) }\n'
        },
        "timeout",
    ),
    Case(
        "go-test/build-failed",
        "go test ./...",
        "build",
        GO_FILES | {"price/price.go": "package price\n\nfunc Double(n int) int { return undefinedThing }\n"},
        first="price/price.go:3:33: undefined: undefinedThing",
    ),
    Case(
        "go-test/vet",
        "go test ./...",
        "build",
        GO_FILES
        | {
            "price/price_test.go": 'package price\n\nimport "testing"\n\nfunc TestF(t *testing.T) { t.Errorf("%d", "x") }\n'
        },
        first="price_test.go:5:",
    ),
    Case(
        "go/build",
        "go build ./...",
        "build",
        {
            "go.mod": GO_MOD,
            "main.go": 'package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n\tvar n int = "x"\n\tfmt.Println(m)\n}\n',
        },
        first="imported and not used",
    ),
    Case(
        "go/syntax",
        "go build ./...",
        "build",
        {"go.mod": GO_MOD, "main.go": "package main\n\nfunc main( {\n}\n"},
        first="main.go:3:",
    ),
    Case(
        "go/module-missing",
        "go build ./...",
        "dependency",
        {"go.mod": GO_MOD, "main.go": 'package main\n\nimport _ "example.org/nowhere/lib"\n\nfunc main() {}\n'},
        first="example.org/nowhere/lib",
        variables={"GOFLAGS": "-mod=readonly"},
    ),
    Case(
        "go/std-missing",
        "go build ./...",
        "dependency",
        {"go.mod": GO_MOD, "main.go": 'package main\n\nimport _ "nostd/lib"\n\nfunc main() {}\n'},
        first="package nostd/lib is not in GOROOT",
    ),
    Case(
        "go/panic",
        "go run .",
        "unknown",
        {
            "go.mod": GO_MOD,
            "main.go": "package main\n\nfunc at(l []int, i int) int { return l[i] }\n\nfunc main() {\n\tat(nil, 3)\n}\n",
        },
        first="panic: runtime error: index out of range [3] with length 0",
    ),
    Case(
        "go/nil-map",
        "go run .",
        "unknown",
        {"go.mod": GO_MOD, "main.go": 'package main\n\nfunc main() {\n\tvar m map[string]int\n\tm["a"] = 1\n}\n'},
        first="panic: assignment to entry in nil map",
    ),
    Case(
        "go/deadlock",
        "go run .",
        "unknown",
        {"go.mod": GO_MOD, "main.go": "package main\n\nfunc main() {\n\t<-make(chan int)\n}\n"},
        first="fatal error: all goroutines are asleep - deadlock!",
    ),
    Case(
        "go/vet",
        "go vet ./...",
        "build",
        {"go.mod": GO_MOD, "main.go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Printf("%d\\n", "x")\n}\n'},
        first="main.go:6:",
    ),
]

CARGO = '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n'
RUST_TEST = """\
pub fn double(n: i32) -> i32 {
    n + 2
}

/// ```
/// assert_eq!(shop::triple(1), 3);
/// ```
pub fn triple(n: i32) -> i32 {
    n * 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles() {
        assert_eq!(double(3), 6, "three");
    }

    #[test]
    fn panics() {
        let list: Vec<i32> = vec![];
        let n = list.len();
        println!("{}", list[n]);
    }

    #[test]
    #[should_panic]
    fn should_panic() {}

    #[test]
    fn returns() -> Result<(), String> {
        Err("no result".into())
    }

    #[test]
    fn fine() {}
}
"""
RUST_JSON = (
    "RUSTC_BOOTSTRAP=1 cargo test --offline -q --no-fail-fast {options} -- -Z unstable-options --format json > $REPORT"
)


def cargo_test(name: str, options: str, files: dict[str, str], failure: str = "test") -> Case:
    return Case(
        f"cargo-test/{name}",
        f"cargo test --offline {options}".strip(),
        failure,
        {"Cargo.toml": CARGO} | files,
        report=RUST_JSON.format(options=options.partition("--no-capture")[0].removesuffix("-- ")),
        format="cargo-test",
    )


def cargo(name: str, text: str, command: str = "cargo build --offline", failure: str = "build", **files: str) -> Case:
    report = "cargo build --offline --message-format=json > $REPORT"
    return Case(
        f"cargo/{name}", command, failure, {"Cargo.toml": CARGO, "src/lib.rs": text}, report=report, format="cargo"
    )


RUST = [
    cargo_test("lib", "--lib", {"src/lib.rs": RUST_TEST}),
    cargo_test("quiet", "--lib -q", {"src/lib.rs": RUST_TEST}),
    cargo_test("documentation", "--doc", {"src/lib.rs": RUST_TEST}),
    cargo_test(
        "integration",
        "--test whole",
        {
            "src/lib.rs": RUST_TEST,
            "tests/whole.rs": '#[test]\nfn whole() {\n    assert!(shop::double(1) == 2, "doubling {} is wrong", 1);\n}\n\n#[test]\nfn fine() {}\n',
        },
    ),
    cargo_test(
        "backtrace",
        "--lib",
        {
            "src/lib.rs": RUST_TEST.replace("#[should_panic]\n", ""),
            ".cargo/config.toml": '[env]\nRUST_BACKTRACE = "1"\n',
        },
    ),
    cargo("types", 'pub fn f() -> i32 { "x" }\npub fn g(x: String) -> String { f(1); x + 1 }\n'),
    cargo("borrow", "pub fn f() -> usize {\n    let s = String::new();\n    let t = s;\n    s.len() + t.len()\n}\n"),
    cargo("import", "use std::nowhere::Thing;\npub fn f(_: Missing) {}\n"),
    cargo("warnings", "pub fn f() {\n    let x = 1;\n    let y: u8 = 300;\n}\nfn unused() {}\n"),
    cargo("syntax", "pub fn f( {\n}\n"),
    cargo("short", 'pub fn f() -> i32 { "x" }\nuse nothing;\n', "cargo build --offline --message-format=short"),
    cargo("coloured", 'pub fn f() -> i32 { "x" }\n', "cargo build --offline --color=always"),
    cargo("macro", 'macro_rules! m { ($e:expr) => { $e + "x" } }\npub fn f() -> i32 { m!(1) }\n'),
    cargo("test-build", "pub fn f() {}\n#[cfg(test)] mod t {}\npub fn g() -> bool { 1 }\n", "cargo test --offline"),
    Case(
        "cargo/crate-missing",
        "cargo build --offline",
        "dependency",
        {"Cargo.toml": CARGO + '[dependencies]\nno-such-crate-of-this-name = "1"\n', "src/lib.rs": ""},
        first="no matching package named `no-such-crate-of-this-name` found",
    ),
    Case(
        "cargo/manifest",
        "cargo build --offline",
        "build",
        {"Cargo.toml": "[package\n", "src/lib.rs": ""},
        first="error: ",
    ),
    Case("cargo/no-manifest", "cargo build", "build", {}, first="could not find `Cargo.toml`"),
    Case(
        "rust/panic",
        "rustc -o main main.rs && ./main",
        "unknown",
        {
            "main.rs": 'fn main() {\n    let v: Vec<i32> = vec![];\n    let i = v.len() + 7;\n    println!("{}", v[i]);\n}\n'
        },
        first="index out of bounds: the len is 0 but the index is 7",
    ),
    Case(
        "rust/unwrap",
        "rustc -o main main.rs && RUST_BACKTRACE=1 ./main",
        "unknown",
        {"main.rs": 'fn port() -> u16 {\n    "x".parse().unwrap()\n}\n\nfn main() {\n    println!("{}", port());\n}\n'},
        first="called `Result::unwrap()` on an `Err` value: ParseIntError",
    ),
]

C_BROKEN = '#include <stdio.h>\n\nstatic int twice(int n) {\n    return m * 2;\n}\n\nint main(void) {\n    char *s = 3;\n    printf("%d\\n", twice(1, 2))\n    return s;\n}\n'


def gcc(name: str, options: str, text: str, failure: str = "build") -> Case:
    return Case(
        f"gcc/{name}",
        f"gcc {options} -c src/a.c",
        failure,
        {"src/a.c": text},
        report=f"gcc -fdiagnostics-format=json {options} -c src/a.c 2> $REPORT",
        format="gcc",
    )


CC = [
    gcc("plain", "", C_BROKEN),
    gcc("warnings", "-Wall -Wextra", C_BROKEN),
    gcc("werror", "-Wall -Werror", "int f(void) {\n    int unused;\n}\n"),
    gcc("header", "", '#include "nowhere.h"\nint main(void) { return 0; }\n'),
    Case(
        "gcc/macro",
        "gcc -c a.c",
        "build",
        {"a.c": "#define TWICE(x) (x * y)\nint f(void) {\n    return TWICE(2);\n}\n"},
        first="a.c:1:23: error: ‘y’ undeclared",
    ),
    gcc("no-caret", "-fno-diagnostics-show-caret", C_BROKEN),
    gcc("coloured", "-fdiagnostics-color=always", C_BROKEN),
    Case(
        "gcc/c++",
        "g++ -c a.cpp",
        "build",
        {
            "a.cpp": '#include <vector>\n#include <string>\nint main() {\n    std::vector<int> v;\n    v.push_back(std::string("x"));\n    std::sort(v.begin(), v.end());\n}\n'
        },
        first="a.cpp:5:",
    ),
    Case(
        "gcc/link",
        "gcc -o a a.c",
        "build",
        {"a.c": "int nowhere(void);\nint main(void) { return nowhere(); }\n"},
        first="undefined reference to `nowhere'",
    ),
    Case(
        "gcc/library",
        "gcc -o a a.c -lnowhere",
        "dependency",
        {"a.c": "int main(void) { return 0; }\n"},
        first="cannot find -lnowhere",
    ),
    Case(
        "clang/plain",
        "clang -c a.c",
        "build",
        {"a.c": C_BROKEN},
        first="a.c:4:12: error: use of undeclared identifier 'm'",
    ),
    Case(
        "clang/header",
        "clang -c a.c",
        "build",
        {"a.c": '#include "nowhere.h"\n'},
        first="a.c:1:10: fatal error: 'nowhere.h' file not found",
    ),
    Case(
        "clang/c++",
        "clang++ -c a.cpp",
        "build",
        {"a.cpp": "int main() { auto x = nothing(1); }\n"},
        first="a.cpp:1:23: error: use of undeclared identifier 'nothing'",
    ),
    Case(
        "make/recipe",
        "make",
        "build",
        {"Makefile": "all: a.o\na.o: a.c\n\tgcc -c a.c\n", "a.c": "int f(void) { return x; }\n"},
        first="a.c:1:22: error: ",
    ),
    Case(
        "make/target", "make nowhere", "build", {"Makefile": "all:\n\ttrue\n"}, first="No rule to make target 'nowhere'"
    ),
    Case(
        "make/tool-missing",
        "make",
        "tool missing",
        {"Makefile": "all:\n\tno-such-compiler -o a a.c\n"},
        first="no-such-compiler",
    ),
    Case(
        "make/parallel",
        "make -j2 -k",
        "build",
        {
            "Makefile": "all: a.o b.o\n%.o: %.c\n\tgcc -c $<\n",
            "a.c": "int f(void) { return x; }\n",
            "b.c": "int g(void) { return y }\n",
        },
        first=".c:1:",
    ),
    Case(
        "make/separator", "make", "build", {"Makefile": "all:\n    true\n"}, first="Makefile:2: *** missing separator"
    ),
    Case(
        "make/recursive",
        "make",
        "build",
        {"Makefile": "all:\n\t$(MAKE) -C sub\n", "sub/Makefile": "all:\n\tfalse\n"},
        first="make[1]: *** [Makefile:2: all] Error 1",
    ),
    Case("make/no-makefile", "make", "build", {}, first="No targets specified and no makefile found"),
]

JAVA_BROKEN = 'public class Main {\n    static int twice(int n) { return m * 2; }\n    public static void main(String[] args) {\n        String s = 3;\n        twice("x")\n    }\n}\n'
THROWING = """\
public class Main {
    static int parse(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new IllegalStateException("cannot read the port", e);
        }
    }

    public static void main(String[] args) {
        System.out.println(parse("x"));
    }
}
"""
POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.example</groupId>
  <artifactId>shop</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <build><plugins>
    <plugin><artifactId>maven-resources-plugin</artifactId><version>3.3.1</version></plugin>
    <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.13.0</version></plugin>
    <plugin><artifactId>maven-surefire-plugin</artifactId><version>3.2.5</version></plugin>
  </plugins></build>
  <dependencies>
    <dependency><groupId>DEP</groupId><artifactId>junit-jupiter</artifactId><version>5.10.2</version><scope>test</scope></dependency>
  </dependencies>
</project>
"""
JUNIT = """\
import static org.junit.jupiter.api.Assertions.*;
import org.junit.jupiter.api.Test;

class PriceTest {
    @Test void doubles() { assertEquals(6, Price.twice(3)); }
    @Test void throwing() { Price.at(new int[0], 2); }
    @Test void fine() {}
    @Test void says() { assertTrue(false, "nothing left"); }
}
"""
PRICE = "public class Price {\n    static int twice(int n) { return n + 2; }\n    static int at(int[] list, int i) { return list[i]; }\n}\n"
MAVEN_FILES = {
    "pom.xml": POM.replace("DEP", "org.junit.jupiter"),
    "src/main/java/Price.java": PRICE,
    "src/test/java/PriceTest.java": JUNIT,
}
MVN = "mvn $MAVEN_ARGS"


def maven(name: str, command: str, files: dict[str, str], failure: str, first: str = "", report: str = "") -> Case:
    return Case(
        f"maven/{name}", command.replace("mvn", MVN, 1), failure, files, first, report, "junit-maven" if report else ""
    )


JAVA = [
    Case(
        "javac/plain", "javac Main.java", "build", {"Main.java": JAVA_BROKEN}, first="Main.java:5: error: ';' expected"
    ),
    Case(
        "javac/symbols",
        "javac Main.java",
        "build",
        {"Main.java": JAVA_BROKEN.replace('("x")', '("x");')},
        first="Main.java:2: error: cannot find symbol",
    ),
    Case(
        "javac/import",
        "javac Main.java",
        "build",
        {"Main.java": "import com.nowhere.Thing;\npublic class Main {}\n"},
        first="Main.java:1: error: package com.nowhere does not exist",
    ),
    Case(
        "javac/warnings",
        "javac -Xlint:all -Werror Main.java",
        "build",
        {"Main.java": "import java.util.*;\npublic class Main { List raw; }\n"},
        first="Main.java:2: warning: [rawtypes]",
    ),
    Case(
        "java/cause",
        "javac Main.java && java Main",
        "unknown",
        {"Main.java": THROWING},
        first='Exception in thread "main" java.lang.IllegalStateException: cannot read the port',
    ),
    Case(
        "java/overflow",
        "javac Main.java && java Main",
        "unknown",
        {
            "Main.java": "public class Main { static int f(int n) { return f(n + 1) + 1; } public static void main(String[] a) { f(0); } }\n"
        },
        first="java.lang.StackOverflowError",
    ),
    Case("java/class-missing", "java Nowhere", "environment", {}, first="Could not find or load main class Nowhere"),
    maven("tests", "mvn test", MAVEN_FILES, "test", report="cat target/surefire-reports/TEST-*.xml > $REPORT"),
    maven("quiet", "mvn -q test", MAVEN_FILES, "test", report="cat target/surefire-reports/TEST-*.xml > $REPORT"),
    maven(
        "compile",
        "mvn compile",
        MAVEN_FILES | {"src/main/java/Price.java": PRICE.replace("n + 2", "m + 2")},
        "build",
        "Price.java:2:38: error: cannot find symbol",
    ),
    maven(
        "dependency",
        "mvn test",
        MAVEN_FILES | {"pom.xml": POM.replace("DEP", "org.nowhere.lib")},
        "dependency",
        "Could not resolve dependencies",
    ),
    maven(
        "pom",
        "mvn compile",
        {"pom.xml": "<project><modelVersion>4.0.0</modelVersion></project>"},
        "build",
        "problems were encountered while processing the POMs",
    ),
    maven("no-pom", "mvn compile", {}, "build", "there is no POM in this directory"),
]

BUILD_GRADLE = """\
apply plugin: 'java'
dependencies { testCompile files('/usr/share/java/junit4.jar', '/usr/share/java/hamcrest-core.jar') }
test { testLogging { exceptionFormat = 'FORMAT' } }
"""
JUNIT4 = """\
import static org.junit.Assert.*;
import org.junit.Test;

public class PriceTest {
    @Test public void doubles() { assertEquals(6, Price.twice(3)); }
    @Test public void throwing() { Price.at(new int[0], 2); }
    @Test public void fine() {}
    @Test public void says() { assertTrue("nothing left", false); }
}
"""
GRADLE_FILES = {
    "build.gradle": BUILD_GRADLE.replace("FORMAT", "full"),
    "src/main/java/Price.java": PRICE,
    "src/test/java/PriceTest.java": JUNIT4,
}
GRADLE = "gradle --offline --no-daemon"
GRADLE_REPORT = "cat build/test-results/test/TEST-*.xml > $REPORT"
GRADLES = [
    Case("gradle/tests", f"{GRADLE} test", "test", GRADLE_FILES, report=GRADLE_REPORT, format="junit-maven"),
    Case("gradle/quiet", f"{GRADLE} -q test", "test", GRADLE_FILES, first="4 tests completed, 3 failed"),
    Case(
        "gradle/short",
        f"{GRADLE} test",
        "test",
        GRADLE_FILES | {"build.gradle": BUILD_GRADLE.replace("FORMAT", "short")},
        report=GRADLE_REPORT,
        format="junit-gradle",
    ),
    Case(
        "gradle/compile",
        f"{GRADLE} compileJava",
        "build",
        GRADLE_FILES | {"src/main/java/Price.java": PRICE.replace("n + 2", "m + 2")},
        first="Price.java:2: error: cannot find symbol",
    ),
    Case(
        "gradle/dependency",
        f"{GRADLE} compileJava",
        "dependency",
        GRADLE_FILES
        | {
            "build.gradle": "apply plugin: 'java'\nrepositories { mavenCentral() }\ndependencies { compile 'org.nowhere.lib:thing:1.0' }\n"
        },
        first="org.nowhere.lib:thing:1.0",
    ),
    Case(
        "gradle/script",
        f"{GRADLE} test",
        "build",
        {"build.gradle": "apply plugin: 'java\n"},
        first="build file '/home/user/project/build.gradle': 1",
    ),
    Case("gradle/no-task", f"{GRADLE} tset", "build", GRADLE_FILES, first="Task 'tset' not found in root project"),
]

COMPILED = [*GO, *RUST, *CC, *JAVA, *GRADLES]
