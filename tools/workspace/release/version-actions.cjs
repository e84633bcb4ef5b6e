// Tells `nx release` where versions are: in package.json. Nothing depends on a released package by its version. (nx's own
// version actions are in @nx/js, which does not run on TypeScript 7.)
const { VersionActions } = require('nx/release');

class PackageVersions extends VersionActions {
  validManifestFilenames = ['package.json'];

  async readCurrentVersionFromSourceManifest(tree) {
    const manifestPath = `${this.projectGraphNode.data.root}/package.json`;
    return { currentVersion: JSON.parse(tree.read(manifestPath, 'utf8')).version, manifestPath };
  }

  // package.json and the git tags say the version; no registry is asked.
  async readCurrentVersionFromRegistry() {
    return null;
  }

  async readCurrentVersionOfDependency() {
    return { currentVersion: null, dependencyCollection: null };
  }

  async updateProjectVersion(tree, newVersion) {
    return this.manifestsToUpdate.map(({ manifestPath }) => {
      const text = tree.read(manifestPath, 'utf8');
      tree.write(manifestPath, text.replace(/("version": ")[^"]*/, `$1${newVersion}`));
      return `${manifestPath} is ${newVersion}`;
    });
  }

  async updateProjectDependencies() {
    return [];
  }
}

module.exports = { default: PackageVersions };
