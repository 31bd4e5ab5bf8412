#!/bin/sh
# Builds the LogStore for Spark, and what tests it, with the jars that `./setup.sh spark` fetched.
#
#   spark/build.sh BUILD      leaves BUILD/spark/varve-logstore.jar and BUILD/spark/test
set -eu
cd "$(dirname "$0")/.."
out=$1/spark
jars=$(.venv-spark/bin/python -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')/jars
class_path=$(echo third_party/spark/*.jar "$jars"/hadoop-client-*.jar | tr ' ' ':')
jar=$out/varve-logstore.jar
newest=$(find spark -name '*.java' -newer "$jar" 2>/dev/null | head -1 || true)
[ -f "$jar" ] && [ -z "$newest" ] && exit 0
rm -rf "$out"
mkdir -p "$out/classes" "$out/test"
javac -Xlint:all -Werror --release 17 -d "$out/classes" -cp "$class_path" spark/src/io/varve/spark/*.java
javac -Xlint:all -Werror --release 17 -d "$out/test" -cp "$class_path" spark/test/*.java
jar --create --file "$jar" -C "$out/classes" .
