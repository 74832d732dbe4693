//! Wazuh's rule language: decoders and rules of Wazuh 4.14, run over log lines.
