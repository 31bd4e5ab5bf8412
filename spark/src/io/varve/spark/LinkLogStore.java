package io.varve.spark;

import java.io.BufferedOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
import java.util.UUID;

import io.delta.storage.HadoopFileSystemLogStore;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The log of Delta tables on a local disk, safe among processes.
 *
 * <p>A commit is the file of its version. It is written under a temporary name, synced, and then
 * gets its own name by link(2), which fails where the name is taken: of all writers, in whatever
 * process and by whatever software that does the same, one wins each version. The stores that
 * Delta comes with look whether the file is there, and then rename over it; a commit that another
 * process makes in between is lost without a word.
 *
 * <p>What a crash leaves: before the link a temporary file, whose name begins with a dot and which
 * no reader looks at; after it the whole commit. A call that returned survives a power cut.
 */
public class LinkLogStore extends HadoopFileSystemLogStore {
    public LinkLogStore(Configuration hadoopConf) {
        super(hadoopConf);
    }

    @Override
    public void write(Path path, Iterator<String> actions, Boolean overwrite,
            Configuration hadoopConf) throws IOException {
        java.nio.file.Path target = localPath(path, hadoopConf);
        java.nio.file.Path folder = target.getParent();
        if (!Files.isDirectory(folder)) {
            throw new FileNotFoundException("No such file or directory: " + path.getParent());
        }
        if (!overwrite && Files.exists(target)) {
            throw new FileAlreadyExistsException(path.toString());
        }
        String name = target.getFileName().toString();
        java.nio.file.Path temporary =
                folder.resolve("." + name + "." + UUID.randomUUID() + ".tmp");
        try {
            fill(temporary, actions);
            if (overwrite) {
                Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
            } else {
                link(temporary, target, path);
            }
            // A checksum of other bytes under this name, by a store that writes such: readers
            // of Hadoop would refuse the new ones.
            Files.deleteIfExists(folder.resolve("." + name + ".crc"));
        } finally {
            Files.deleteIfExists(temporary);
        }
        sync(folder);
    }

    /** Nobody ever sees a part of a file. */
    @Override
    public Boolean isPartialWriteVisible(Path path, Configuration hadoopConf) {
        return false;
    }

    private static java.nio.file.Path localPath(Path path, Configuration hadoopConf)
            throws IOException {
        URI uri = path.getFileSystem(hadoopConf).makeQualified(path).toUri();
        if (!"file".equals(uri.getScheme())) {
            throw new UnsupportedOperationException(LinkLogStore.class.getName()
                    + " is for tables on a local disk, not for " + uri
                    + ": set it as spark.delta.logStore.file.impl, not as logStore.class");
        }
        return Paths.get(uri.getPath());
    }

    private static void fill(java.nio.file.Path file, Iterator<String> actions)
            throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE,
                StandardOpenOption.CREATE_NEW)) {
            OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
            while (actions.hasNext()) {
                out.write(actions.next().getBytes(StandardCharsets.UTF_8));
                out.write('\n');
            }
            out.flush();
            channel.force(true);
        }
    }

    private static void link(java.nio.file.Path temporary, java.nio.file.Path target, Path path)
            throws IOException {
        try {
            Files.createLink(target, temporary);
        } catch (FileAlreadyExistsException taken) {
            // A network file system may have made the link and lost the answer.
            if (!isSame(temporary, target)) {
                throw new FileAlreadyExistsException(path.toString());
            }
        } catch (IOException failure) {
            if (!isSame(temporary, target)) {
                throw failure;
            }
        }
    }

    private static boolean isSame(java.nio.file.Path temporary, java.nio.file.Path target) {
        try {
            return Files.isSameFile(temporary, target);
        } catch (IOException unknown) {
            return false;
        }
    }

    private static void sync(java.nio.file.Path folder) throws IOException {
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
