"""Exports of gifts and movements as CSV and XLSX files, for accountants and spreadsheets."""
